"""Triage on a fresh database, which hears of incidents from intake by a real broker and is spoken
to by HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.triage.__main__ import SERVICE
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.vocabulary import Platform, ServiceName
from shared.runtime.process import clock
from tests.integration.conftest import Environment
from tests.integration.serving import Others, Served, others, serving, until

FACTS = ("authentic_and_ours", "information_kind", "where", "still_live", "who_can_see")
EXPOSURE = {
    "platform": "Mastodon",
    "visibility": "public",
    "audience_tier": "D",
    "still_live": "yes",
}


@dataclass(frozen=True, slots=True)
class Triage:
    """The service, and what people do there."""

    served: Served
    others: Others

    async def reported(self, *, exercise: bool = False, platform: str = "Mastodon") -> UUID:
        """An incident that triage has heard of."""
        incident = clock.new_id()
        said = Reported(
            opens=True,
            exercise=exercise,
            channel=ReportChannel.API,
            exposure=Exposure(platform=Platform.named(platform)),
        )
        await self.hears(incident, said)
        return incident

    def pseudonym_of(self, name: str) -> str:
        return self.served.running.people.pseudonym_of(name)

    async def hears(self, incident: UUID, *said: EventData) -> None:
        before = (await self.served.running.ledger.load(incident)).version
        await self.others.say(incident, *said)

        async def heard() -> bool:
            return (await self.served.running.ledger.load(incident)).version >= before + len(said)

        await until(heard, "triage hears it")

    async def asks(
        self,
        incident: UUID,
        path: str,
        body: dict[str, Any] | None,
        role: Role,
        name: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        return await self.served.post(f"/incidents/{incident}{path}", body, role, name, headers)

    async def gives(
        self,
        incident: UUID,
        path: str,
        body: dict[str, Any] | None,
        role: Role,
        name: str | None = None,
    ) -> dict[str, Any]:
        """What the command made true."""
        answer = await self.asks(incident, path, body, role, name)
        assert answer.status_code == 201, answer.text
        (event,) = answer.json()["events"]
        data: dict[str, Any] = event["data"]
        return data

    async def refused(
        self,
        incident: UUID,
        path: str,
        body: dict[str, Any] | None,
        role: Role,
        name: str | None = None,
    ) -> dict[str, Any]:
        """The problem detail of a rule that says no."""
        answer = await self.asks(incident, path, body, role, name)
        assert (answer.status_code, answer.headers["content-type"]) == (
            409,
            "application/problem+json",
        ), answer.text
        problem: dict[str, Any] = answer.json()
        assert problem["type"].endswith("/rejected")
        return problem

    async def views(
        self, incident: UUID, role: Role = Role.AUDITOR, name: str | None = None
    ) -> dict[str, Any]:
        answer = await self.served.http.get(
            f"/incidents/{incident}", headers=self.served.token(role, name)
        )
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        assert answer.headers["ETag"] == f'"{view["version"]}"'
        return view

    async def fact(
        self, incident: UUID, key: str, value: str = "yes", **more: Any
    ) -> dict[str, Any]:
        return await self.gives(incident, "/facts", fact(key, value, **more), Role.RESPONDER)

    async def facts(self, incident: UUID) -> None:
        for key in FACTS:
            await self.fact(incident, key)

    async def seats(self, incident: UUID) -> None:
        for seat in ("legal", "communications", "it"):
            await self.gives(
                incident, "/seats", {"seat": seat, "holder": f"{seat}-person"}, Role.LEAD
            )

    async def proposed(self, incident: UUID, kind: str = "platform_report") -> str:
        said = await self.gives(
            incident, "/actions", {"kind": kind, "target": "the post"}, Role.RESPONDER
        )
        action: str = said["action_id"]
        return action

    async def cleared(self, incident: UUID, action: str, **more: Any) -> None:
        body = {"view": "cleared", "ground": "our own slides"} | more
        await self.gives(incident, f"/actions/{action}/legal-view", body, Role.LEGAL)

    async def authorised(self, incident: UUID, kind: str = "platform_report") -> str:
        """An action that only has to be carried out."""
        action = await self.proposed(incident, kind)
        await self.facts(incident)
        await self.cleared(incident, action)
        await self.gives(incident, f"/actions/{action}/authorisation", None, Role.LEAD)
        return action


def fact(key: str, value: str = "yes", **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "value": value,
        "confidence": "high",
        "source": "the post",
        "observed_at": "2026-03-01T08:00:00Z",
        **more,
    }


def outcome(result: str = "successful", at: str = "2026-03-02T09:00:00Z") -> dict[str, Any]:
    return {"outcome": result, "carried_out_at": at, "note": "as seen"}


def assessment(determination: str = "suspected", **more: Any) -> dict[str, Any]:
    return {
        "determination": determination,
        "information_types": ["proprietary"],
        "exposure": EXPOSURE,
        **more,
    }


@pytest.fixture
async def triage(environment: Environment) -> AsyncIterator[Triage]:
    async with (
        others(environment, ServiceName.INTAKE) as around,
        serving(environment, SERVICE, "writer", "consumer") as served,
    ):
        yield Triage(served, around)
