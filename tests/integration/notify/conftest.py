"""Notify on a fresh database, spoken to by HTTP, with real receivers at the end of its channels."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.local.keys import Keys, write_secret
from deploy.local.tokens import issue
from services.notify.__main__ import SERVICE
from services.notify.domain import Command, State
from services.notify.sender import send_what_is_due
from services.notify.settings import NotifySettings
from shared.contract import topics
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.triage import Assessed, FactRecorded
from shared.contract.vocabulary import (
    AudienceTier,
    Confidence,
    Determination,
    FactKey,
    InformationType,
    ServiceName,
    Severity,
)
from shared.runtime.hear.judge import Record
from shared.runtime.process import clock
from shared.runtime.process.persistence import persist
from shared.runtime.running import Running
from shared.runtime.service import receiver_of, running
from shared.runtime.web.app import create_app
from tests.integration.conftest import Environment
from tests.integration.notify.sinks import Mailbox, Webhook, mailbox, webhook
from tests.integration.runtime.processes import Process, process, until

ROLES = {
    "colin": Role.COMMUNICATIONS,
    "carla": Role.COMMUNICATIONS,
    "lea": Role.LEAD,
    "nora": Role.LEGAL,
    "rashid": Role.RESPONDER,
    "ada": Role.AUDITOR,
    "sam": Role.SOURCE,
}


def fact(
    key: str = FactKey.WHERE, *, known: bool = True, corrects: UUID | None = None
) -> FactRecorded:
    return FactRecorded(
        fact_id=clock.new_id(),
        key=key,
        known=known,
        value="on a public page" if known else "unknown",
        confidence=Confidence.HIGH,
        source="seen",
        observed_at=clock.now(),
        corrects=corrects,
    )


def assessed(
    *leaked: InformationType, severity: Severity = Severity.HIGH, revision: int = 1
) -> Assessed:
    return Assessed(
        revision=revision,
        determination=Determination.CONFIRMED,
        information_types=leaked,
        exposure=Exposure(audience_tier=AudienceTier.D_PUBLIC),
        severity=severity,
        severity_rule="a_row",
    )


@dataclass(slots=True)
class Notify:
    """One replica, what it hears, and the people who use it."""

    running: Running[Command, State, Any]
    http: httpx.AsyncClient
    keys: Keys
    speakers: dict[ServiceName, Process]
    offsets: Iterator[int]
    senders: list["asyncio.Task[None]"] = field(default_factory=list)

    def pseudonym_of(self, name: str) -> str:
        return self.running.people.pseudonym_of(name)

    async def hears(self, incident: UUID, *said: EventData) -> None:
        """Each is said by its own service, and heard as a message of the topic is."""
        for data in said:
            carried = await self.speakers[data.SAID_BY].say(data, incident)
            for signed in carried.signed:
                event = signed.recorded.event
                key, place = topics.key_of(incident), event.link.partition
                record = Record(
                    place, next(self.offsets), key, event.envelope, (), signed.signature
                )
                await receiver_of(self.running).hear(place, [record])

    async def incident(self, *said: EventData, exercise: bool = False) -> UUID:
        incident = clock.new_id()
        await self.hears(
            incident, Reported(opens=True, exercise=exercise, channel=ReportChannel.API), *said
        )
        return incident

    async def ask(
        self, by: str, method: str, path: str, body: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        token = {"Authorization": f"Bearer {issue(self.keys, by, [ROLES[by]])}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, path, json=body, headers=token | named)

    async def get(self, path: str, by: str = "colin") -> Any:
        answer = await self.ask(by, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def give(self, by: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The data of the first event that the command made."""
        answer = await self.ask(by, "POST", path, body)
        assert answer.status_code == 201, answer.text
        data: dict[str, Any] = answer.json()["events"][0]["data"]
        return data

    async def refused(
        self, by: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        answer = await self.ask(by, "POST", path, body)
        assert answer.status_code == 409, answer.text
        problem: dict[str, Any] = answer.json()
        return problem

    async def drafted(self, incident: UUID, *facts: FactRecorded, **changed: Any) -> str:
        """Colin's draft: where to go on with it."""
        body = {
            "audience": "executives",
            "channel": "webhook",
            "title": "A roadmap",
            "text": "It stands in a public post.",
            "facts": [str(item.fact_id) for item in facts],
        }
        made = await self.give("colin", f"/incidents/{incident}/communications", body | changed)
        return f"/incidents/{incident}/communications/{made['communication_id']}"

    async def requested(self, incident: UUID, *facts: FactRecorded, **changed: Any) -> str:
        """A message to the inside that the sender is to take up."""
        message = await self.drafted(incident, *facts, **changed)
        await self.give("carla", f"{message}/approval")
        await self.give("colin", f"{message}/request")
        return message

    async def shown(self, message: str) -> dict[str, Any]:
        """The message as its incident's view has it."""
        incident, _, communication = message.partition("/communications/")
        found = (await self.get(incident))["communications"]
        view: dict[str, Any] = next(
            item for item in found if item["communication_id"] == communication
        )
        return view

    async def becomes(
        self, message: str, status: str, attempt: int | None = None
    ) -> dict[str, Any]:
        async def is_so() -> bool:
            view = await self.shown(message)
            return view["status"] == status and attempt in {None, view["attempt"]}

        await until(is_so, f"{message} is {status}")
        return await self.shown(message)

    async def types(self, incident: UUID) -> list[str]:
        """What was said and heard, in short."""
        events = (await self.get(f"/incidents/{incident}/events?limit=200"))["items"]
        return [event["type"].split(".")[1] for event in events]

    def send(self) -> "asyncio.Task[None]":
        """Starts this replica's sender."""
        sender = asyncio.create_task(persist("sender", lambda: send_what_is_due(self.running)))
        self.senders.append(sender)
        return sender


def variables(environment: Environment, channels: Path) -> dict[str, str]:
    return environment.of(ServiceName.NOTIFY) | {"LEDGER_CHANNELS_FILE": str(channels)}


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as sink:
        yield sink


@pytest.fixture
def mail() -> Iterator[Mailbox]:
    with mailbox() as sink:
        yield sink


@pytest.fixture
def channels(tmp_path: Path, hook: Webhook, mail: Mailbox) -> Path:
    """The channels file: `webhook`, `mail`, and `nowhere`, where nobody listens."""
    file = tmp_path / "channels.json"
    nowhere = hook.entry | {"url": "http://127.0.0.1:9/"}
    write_secret(file, json.dumps({"webhook": hook.entry, "mail": mail.entry, "nowhere": nowhere}))
    return file


@contextlib.asynccontextmanager
async def replica(
    environment: Environment, channels: Path, speakers: dict[ServiceName, Process]
) -> AsyncIterator[Notify]:
    given = variables(environment, channels)
    values: dict[str, Any] = {
        name.removeprefix("LEDGER_").lower(): value
        for name, value in given.items()
        if name.startswith("LEDGER_")
    }
    async with contextlib.AsyncExitStack() as stack:
        process = await stack.enter_async_context(running(SERVICE, NotifySettings(**values)))
        writer = asyncio.create_task(process.ledger.run())
        stack.callback(writer.cancel)
        transport = httpx.ASGITransport(create_app(process, SERVICE.router, SERVICE.title))
        http = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://notify")
        )
        notify = Notify(process, http, environment.keys, speakers, itertools.count())
        try:
            yield notify
        finally:
            for sender in notify.senders:
                sender.cancel()
            await asyncio.gather(*notify.senders, return_exceptions=True)


@pytest.fixture
async def speakers(environment: Environment) -> AsyncIterator[dict[ServiceName, Process]]:
    """Intake and triage, which say what they are told to."""
    async with (
        process(environment, ServiceName.INTAKE, parts=["writer"]) as intake,
        process(environment, ServiceName.TRIAGE, parts=["writer"]) as triage,
    ):
        yield {ServiceName.INTAKE: intake, ServiceName.TRIAGE: triage}


@pytest.fixture
async def notify(
    environment: Environment, channels: Path, speakers: dict[ServiceName, Process]
) -> AsyncIterator[Notify]:
    async with replica(environment, channels, speakers) as notify:
        yield notify
