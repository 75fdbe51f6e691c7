"""Review on a fresh database, which hears of incidents from intake, triage and notify by a real
broker and is spoken to by HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx
import pytest

from services.review.__main__ import SERVICE
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.triage import Assessed, Contained
from shared.contract.vocabulary import (
    ActionClass,
    ActionKind,
    Determination,
    Outcome,
    Platform,
    ServiceName,
    Severity,
)
from shared.runtime.process import clock
from tests.integration.conftest import Environment
from tests.integration.serving import Others, Served, others, serving, until

SOON: Final = str(clock.now().date() + timedelta(days=30))
LATER: Final = str(clock.now().date() + timedelta(days=60))
CONTAINED: Final = Contained(
    action_id=UUID(int=0xA1),
    kind=ActionKind.PLATFORM_REPORT,
    action_class=ActionClass.CORRECTIVE,
    outcome=Outcome.SUCCESSFUL,
    carried_out_at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    authorised_by="lea",
)


def reported(*, exercise: bool = False) -> Reported:
    exposure = Exposure(platform=Platform.MASTODON, platform_name="Mastodon")
    return Reported(
        opens=True,
        exercise=exercise,
        channel=ReportChannel.API,
        description="<b>a board</b>",
        exposure=exposure,
    )


def assessed(
    determination: Determination = Determination.CONFIRMED, severity: Severity = Severity.HIGH
) -> Assessed:
    return Assessed(
        revision=1,
        determination=determination,
        information_types=(),
        exposure=Exposure(),
        severity=severity,
        severity_rule="serious_and_public",
    )


def finding(**more: Any) -> dict[str, Any]:
    items = [{"description": "Label slides", "owner": "u-4711", "due": SOON}]
    return {
        "contributing_factor": "Slides travel without their label",
        "control_layer": "training_missing",
        "training_adequate": "no",
        "policy_understood": "unknown",
        "action_items": items,
        **more,
    }


@dataclass(frozen=True, slots=True)
class Review:
    """The service, and what people do there."""

    served: Served
    others: Others

    async def hears(self, incident: UUID, *said: EventData, by: str = "somebody") -> None:
        async def count() -> int:
            (row,) = await self.served.rows(
                "SELECT count(*) FROM ledger WHERE subject_id = $1 AND service <> 'review'",
                incident,
            )
            known: int = row[0]
            return known

        before = await count()
        person = self.served.running.people.pseudonym_of(by)
        await self.others.say(incident, *said, by=person)

        async def heard() -> bool:
            return await count() == before + len(said)

        await until(heard, "review hears it")

    async def known(self, *, exercise: bool = False) -> UUID:
        incident = clock.new_id()
        await self.hears(incident, reported(exercise=exercise))
        return incident

    async def opened(self, *, exercise: bool = False, severity: Severity = Severity.HIGH) -> UUID:
        """An incident that is assessed as confirmed: its review opens by itself."""
        incident = await self.known(exercise=exercise)
        await self.hears(incident, assessed(severity=severity))
        return incident

    async def publishable(self, *, exercise: bool = False) -> UUID:
        incident = await self.opened(exercise=exercise)
        await self.hears(incident, CONTAINED, by="rashid")
        await self.gives(incident, "/findings", finding())
        return incident

    async def published(self, *, exercise: bool = False, lesson: str = "Look behind you.") -> UUID:
        incident = await self.publishable(exercise=exercise)
        await self.gives(incident, "/lessons", {"text": lesson})
        await self.gives(incident, "/publication", None)
        return incident

    async def asks(
        self,
        incident: UUID,
        path: str,
        body: dict[str, Any] | None,
        role: Role = Role.REVIEWER,
        name: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        return await self.served.post(f"/incidents/{incident}{path}", body, role, name, headers)

    async def gives(self, incident: UUID, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """What the command made true."""
        answer = await self.asks(incident, path, body)
        assert answer.status_code == 201, answer.text
        (event,) = answer.json()["events"]
        data: dict[str, Any] = event["data"]
        return data

    async def refused(
        self,
        incident: UUID,
        path: str,
        body: dict[str, Any] | None,
        role: Role = Role.REVIEWER,
        name: str | None = None,
    ) -> dict[str, Any]:
        """The problem detail of a rule that says no."""
        answer = await self.asks(incident, path, body, role, name)
        assert (answer.status_code, answer.headers["content-type"]) == (
            409,
            "application/problem+json",
        ), answer.text
        problem: dict[str, Any] = answer.json()
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

    async def erases(self, incident: UUID, event_id: str, **more: Any) -> None:
        """Privacy asks for it, and legal confirms it."""
        body = {
            "event_id": event_id,
            "ground": "consent_withdrawn",
            "reason": "She asked for it.",
            **more,
        }
        asked = await self.asks(incident, "/erasures", body, Role.PRIVACY)
        assert asked.status_code == 201, asked.text
        (event,) = asked.json()["events"]
        path = f"/erasures/{event['data']['erasure_id']}/confirmation"
        confirmed = await self.asks(incident, path, None, Role.LEGAL)
        assert confirmed.status_code == 201, confirmed.text

    async def said(self, incident: UUID, kind: str) -> dict[str, Any]:
        """The last event of this type."""
        events = await self.served.listed(f"/incidents/{incident}/events")
        return next(one for one in reversed(events) if one["type"] == f"incident.{kind}.v1")

    async def reads_texts(self, incident: UUID, *texts: str) -> None:
        """Waits until these texts of other services have come too."""

        async def come() -> bool:
            report = (await self.report(incident)).text
            return all(text in report for text in texts)

        await until(come, "review has the texts")

    async def report(self, incident: UUID, query: str = "", **headers: str) -> httpx.Response:
        return await self.served.get(f"/incidents/{incident}/report{query}", Role.AUDITOR, headers)


@pytest.fixture
async def review(environment: Environment) -> AsyncIterator[Review]:
    async with (
        others(environment, ServiceName.INTAKE, ServiceName.TRIAGE) as around,
        serving(environment, SERVICE, "writer", "consumer", "texts") as served,
    ):
        yield Review(served, around)
