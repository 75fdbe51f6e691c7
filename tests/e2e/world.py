"""What the end-to-end stories do to a running stack, and what they ask of it afterwards."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil

from deploy.ledger.run.demo.cast import LEA, MONITOR, RASHID, RUTH
from deploy.ledger.run.demo.office import Office
from deploy.local import state
from deploy.local.state import Stack
from shared.contract.vocabulary import ServiceName

WITHIN = 60.0
INTAKE, TRIAGE, NOTIFY, REVIEW = ServiceName

FACTS = {
    "authentic_and_ours": "yes",
    "information_kind": "a roadmap",
    "where": "a public post",
    "still_live": "yes",
    "who_can_see": "everybody",
}


@dataclass(slots=True)
class World:
    stack: Stack
    office: Office

    def process(self, name: str) -> psutil.Process:
        """The child of that name as it runs now, after whatever restarts."""
        child = state.load(self.stack.data).processes[name].running()
        assert child is not None, f"{name} does not run"
        return child

    def kill(self, name: str) -> None:
        """kill -9."""
        self.process(name).send_signal(signal.SIGKILL)

    def pause(self, name: str) -> psutil.Process:
        paused = self.process(name)
        paused.suspend()
        return paused

    async def ready(self) -> None:
        """Until every service says so."""

        async def all_ready() -> bool:
            try:
                answers = [
                    await self.office.http.get(f"{url}/readyz") for url in self.office.urls.values()
                ]
            except httpx.HTTPError:
                return False
            return all(answer.status_code == 200 for answer in answers)

        await until(all_ready, "all four services are ready")

    async def settled(self) -> None:
        """Until everything that was said is on the topic and heard."""
        await self.ready()

        async def nothing_under_way() -> bool:
            try:
                answers = [
                    (await self.office.http.get(f"{url}/readyz")).json()
                    for url in self.office.urls.values()
                ]
            except httpx.HTTPError:
                return False
            return all(set(answer["lag"].values()) == {0} for answer in answers)

        await until(nothing_under_way, "everything is heard")

    async def report(self) -> UUID:
        return await self.office.report(
            MONITOR, {"description": "a roadmap", "exposure": {"platform": "Mastodon"}}
        )

    async def establish(self, incident: UUID) -> list[str]:
        """All facts that a gate may ask for; their ids."""
        return [(await self.fact(incident, key, value))["fact_id"] for key, value in FACTS.items()]

    async def fact(self, incident: UUID, key: str, value: str) -> dict[str, Any]:
        body = {
            "key": key,
            "value": value,
            "confidence": "high",
            "source": "the post",
            "observed_at": "2026-03-01T08:00:00Z",
        }
        return await self.office.give(RASHID, TRIAGE, incident, "/facts", body)

    async def fill_seats(self, incident: UUID) -> None:
        for seat, holder in (("legal", "nora"), ("communications", "colin"), ("it", "ivan")):
            await self.office.give(
                LEA, TRIAGE, incident, "/seats", {"seat": seat, "holder": holder}
            )

    async def events(self, service: ServiceName, incident: UUID) -> list[dict[str, Any]]:
        return await self.office.events(RUTH, service, incident)

    async def verify(self) -> dict[str, Any]:
        """`ledger verify --json`, once all is heard."""
        await self.settled()
        return ledger_json("verify", self.stack.data)


def ledger_json(command: str, data: Path) -> dict[str, Any]:
    done = ledger(command, "--data", str(data), "--json")
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def ledger(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command line, as a person would call it."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "ledger"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


async def until(true: Callable[[], Awaitable[bool]], what: str) -> None:
    end = time.monotonic() + WITHIN
    while not await true():
        assert time.monotonic() < end, f"not within {WITHIN:.0f} s: {what}"
        await asyncio.sleep(0.05)
