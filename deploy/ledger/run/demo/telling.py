"""How a story of the demo is told: what its people do again and again, and what is said of it on
the way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from deploy.ledger.printing import bold
from deploy.ledger.run.demo.cast import (
    CARLA,
    COLIN,
    IVAN,
    LEA,
    MONITOR,
    NORA,
    RASHID,
    RUTH,
    Person,
)
from deploy.ledger.run.demo.office import Office
from deploy.local.keys import INBOX_CHANNEL
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock

INTAKE, TRIAGE, NOTIFY, REVIEW = ServiceName
CHANNEL: Final = INBOX_CHANNEL
OUTSIDE: Final = {
    "data_subjects",
    "data_protection_authority",
    "information_owner",
    "regulator",
    "customers",
    "press",
}

Tell = Callable[..., None]
"""Of the parts of a line, as `printing.say` takes them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What let it happen, and what will be done about it: what, by whom, in how many days."""

    factor: str
    layer: str
    training_adequate: str
    policy_understood: str
    item: tuple[str, str, int]

    def body(self) -> dict[str, Any]:
        what, who, days = self.item
        return {
            "contributing_factor": self.factor,
            "control_layer": self.layer,
            "training_adequate": self.training_adequate,
            "policy_understood": self.policy_understood,
            "action_items": [{"description": what, "owner": who, "due": _in_days(days)}],
        }


@dataclass(frozen=True, slots=True)
class Review:
    """What the report of an incident says of it."""

    finding: Finding
    well: str
    wrong: str
    lesson: str


@dataclass(slots=True)
class Telling:
    """A story while it is told."""

    office: Office
    source: Mapping[str, str]
    tell: Tell
    incident: UUID

    async def triage(self, by: Person, path: str, **body: Any) -> dict[str, Any]:
        return await self.office.give(by, TRIAGE, self.incident, path, body)

    async def notify(self, by: Person, path: str, **body: Any) -> dict[str, Any]:
        return await self.office.give(by, NOTIFY, self.incident, path, body)

    async def review(self, by: Person, path: str, **body: Any) -> dict[str, Any]:
        return await self.office.give(by, REVIEW, self.incident, path, body)

    async def refused(self, by: Person, service: ServiceName, path: str, **body: Any) -> None:
        refusal = await self.office.refused(by, service, self.incident, path, body)
        unsaid = [name for name in refusal.missing if name not in refusal.detail]
        lacking = f" (missing: {', '.join(unsaid)})" if unsaid else ""
        self.tell("refused by rule ", bold(refusal.rule), f": {refusal.detail}{lacking}")

    async def facts(self, **facts: str) -> list[str]:
        """Rashid establishes facts; their ids."""
        seen = {"confidence": "high", "source": self.source["source"], "observed_at": _now()}
        said = [
            await self.triage(RASHID, "/facts", key=key, value=value, **seen)
            for key, value in facts.items()
        ]
        return [fact["fact_id"] for fact in said]

    async def seats(self) -> None:
        for person, seat in ((NORA, "legal"), (COLIN, "communications"), (IVAN, "it")):
            await self.triage(LEA, "/seats", seat=seat, holder=person.name)

    async def assess(self, determination: str, *information_types: str, **exposure: Any) -> None:
        """Rashid assesses."""
        assessed = await self.triage(
            RASHID,
            "/assessments",
            determination=determination,
            information_types=information_types,
            exposure={"platform": self.source["platform"], "visibility": "public", **exposure},
        )
        self.tell(
            f"assessed as {determination.replace('_', ' ')}, severity {assessed['severity']} "
            f"by rule {assessed['severity_rule']}"
        )

    async def propose(self, kind: str, target: str) -> str:
        action: str = (await self.triage(RASHID, "/actions", kind=kind, target=target))["action_id"]
        return action

    async def legal_view(self, action: str, view: str, ground: str, **conditions: str) -> None:
        await self.triage(
            NORA, f"/actions/{action}/legal-view", view=view, ground=ground, **conditions
        )

    async def authorise(self, action: str) -> None:
        await self.triage(LEA, f"/actions/{action}/authorisation")

    async def cannot_authorise(self, action: str) -> None:
        await self.refused(LEA, TRIAGE, f"/actions/{action}/authorisation")

    async def carried_out(self, action: str, by: Person, note: str) -> None:
        await self.triage(
            by, f"/actions/{action}/outcome", outcome="successful", carried_out_at=_now(), note=note
        )
        self.tell(f"contained: {note}")

    async def say(self, audience: str, title: str, text: str, facts: list[str]) -> str:
        """Colin drafts; the message's id."""
        drafted = await self.notify(
            COLIN,
            "/communications",
            audience=audience,
            channel=CHANNEL,
            title=title,
            text=text,
            facts=facts,
        )
        communication: str = drafted["communication_id"]
        return communication

    async def approve_and_send(self, communication: str, *approvers: Person) -> None:
        for person in approvers:
            await self.notify(person, f"/communications/{communication}/approval")
        before = await self._communicated()
        await self.notify(COLIN, f"/communications/{communication}/request")
        await self.office.until(RUTH, NOTIFY, self.incident, "incident.communicated.v1", before + 1)

    async def tell_required(self, facts: list[str], text: str) -> None:
        """Every audience that must be told is told."""
        for audience in await self._required():
            message = await self.say(audience, f"Incident: {self.source['platform']}", text, facts)
            await self.approve_and_send(message, CARLA, *([NORA] if audience in OUTSIDE else []))
            second = " and nora (legal)" if audience in OUTSIDE else ""
            self.tell(f"communicated to {audience}, approved by carla{second}")

    async def publish(self, found: Review) -> None:
        await self.review(RUTH, "/findings", **found.finding.body())
        await self.review(RUTH, "/observations", kind="went_well", text=found.well)
        await self.review(RUTH, "/observations", kind="went_wrong", text=found.wrong)
        await self.review(RUTH, "/lessons", text=found.lesson)
        await self.review(
            RUTH,
            "/policy-clauses",
            policy="Social media policy",
            clause="4.2 Confidential information",
        )
        await self.review(RUTH, "/next-review", on=_in_days(180))
        await self.review(RUTH, "/publication")
        self.tell("reviewed: the lessons-learned report is published")

    async def _required(self) -> list[str]:
        view = await self.office.view(COLIN, NOTIFY, self.incident)
        return [duty["audience"] for duty in view["duties"] if duty["status"] == "required"]

    async def _communicated(self) -> int:
        events = await self.office.events(RUTH, NOTIFY, self.incident)
        return sum(event["type"] == "incident.communicated.v1" for event in events)


async def begin(office: Office, source: Mapping[str, str], tell: Tell) -> Telling:
    """The report that every story begins with, once triage has heard of it."""
    incident = await office.report(
        MONITOR,
        {
            "discovery": "monitoring",
            "noticed_at": _now(),
            "description": f"{source['summary']} ({source['organisation']}; {source['source']})",
            "exposure": {
                "platform": source["platform"],
                "visibility": "public",
                "still_live": "unknown",
            },
        },
    )
    tell(f"reported: {source['summary']}")
    return Telling(office, source, tell, incident)


def _now() -> str:
    return clock.now().isoformat()


def _in_days(days: int) -> str:
    return str(clock.now().date() + timedelta(days=days))
