"""What callers send to triage and what they see."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import ConfigDict, Field

from services.triage import examples
from shared.contract.catalogue.triage import (
    ActionProposed,
    Assessed,
    BreakGlassConfirmed,
    BreakGlassUsed,
    Contained,
    FactRecorded,
    IncidentDismissed,
    LegalViewGiven,
)
from shared.contract.vocabulary import (
    ActionKind,
    Confidence,
    Determination,
    DismissalReason,
    FactKey,
    GateName,
    InformationType,
    LegalView,
    Outcome,
    Seat,
    Severity,
)
from shared.runtime.web.bodies import Body, Flag, Id, Line, Listed, Name, Subject, Text
from shared.runtime.web.confidential import Readable
from shared.runtime.web.exposure import ExposureBody
from shared.runtime.web.gates import GateView
from shared.runtime.web.moments import Moment
from shared.runtime.web.persons.shown import Peopled

Stage = Literal["reported", "assessed", "contained", "communicated", "reviewed", "dismissed"]


class FactBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "key": "still_live",
                    "value": "yes",
                    "confidence": "high",
                    "source": "opened the post in a private window",
                    "observed_at": "2026-03-02T09:10:00Z",
                }
            ]
        }
    )

    key: Name = Field(
        description="One of the keys that gates ask for (authentic_and_ours, information_kind, "
        "where, …) or any other."
    )
    value: Text = Field(description='"unknown" is an answer, and satisfies no gate.')
    confidence: Confidence
    source: Line
    observed_at: Moment
    corrects: Id | None = Field(default=None, description="The fact that this one corrects.")

    @property
    def known_key(self) -> FactKey:
        return FactKey(self.key) if self.key in set(FactKey) else FactKey.OTHER

    @property
    def label(self) -> str | None:
        """What it is about, where no key says that."""
        return self.key if self.known_key is FactKey.OTHER else None

    @property
    def known(self) -> bool:
        return self.value.strip().casefold() not in ("", "unknown")


class SeatBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"seat": "legal", "holder": "nora"}]})

    seat: Seat
    holder: Subject = Field(description="The subject of the holder's token.")


class AssessmentBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "determination": "confirmed",
                    "information_types": ["proprietary"],
                    "exposure": {
                        "platform": "mastodon",
                        "visibility": "public",
                        "audience_tier": "D",
                        "still_live": "yes",
                    },
                }
            ]
        }
    )

    determination: Determination
    information_types: Listed[InformationType] = Field(max_length=100)
    exposure: ExposureBody
    severity_override: Severity | None = Field(
        default=None, description="Goes over the severity table's; needs a reason."
    )
    severity_override_reason: Text | None = None


class ActionBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "platform_report", "target": "https://social.example/@x/1"}]
        }
    )

    kind: ActionKind
    target: Line
    reason: Text | None = None


class LegalViewBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"view": "cleared", "ground": "our own slides; the platform's terms"}]
        }
    )

    view: LegalView
    ground: Text
    conditions: Text | None = Field(
        default=None, description="Required when cleared with conditions."
    )
    protected_activity_considered: bool = False


class OutcomeBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "outcome": "successful",
                    "carried_out_at": "2026-03-02T11:00:00Z",
                    "note": "removed",
                }
            ]
        }
    )

    outcome: Outcome
    carried_out_at: Moment
    note: Text | None = None


class BreakGlassBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "gate": "facts",
                    "action_id": "01960000-0000-7000-8000-000000000001",
                    "reason": "forks multiply by the minute",
                }
            ]
        }
    )

    gate: GateName
    action_id: Id
    reason: Text


class WordBody(Body):
    """The second person's word."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"upheld": True, "note": "waiting would have helped nobody"}]
        }
    )

    upheld: bool
    note: Text


class ReasonBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "the post was gone before anybody saw it"}]}
    )

    reason: Text


class DismissalBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"reason": "authorised_disclosure", "note": "published by ourselves"}]
        }
    )

    reason: DismissalReason
    note: Text


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents a reader asks for; None asks for any."""

    stage: Stage | None = None
    severity: Severity | None = None
    determination: Determination | None = None
    exercise: Flag | None = None
    platform: Annotated[Name | None, Query(description="In upper or lower case.")] = None
    seat_holder: Annotated[
        Subject | None, Query(description="A person who holds a seat on it.")
    ] = None
    owes_a_word: Annotated[
        Flag | None, Query(description="Whether a second person's word on break-glass is owed.")
    ] = None
    since: Annotated[Moment | None, Query(description="Opened at or after.")] = None
    until: Annotated[Moment | None, Query(description="Opened before.")] = None


class IncidentRow(Readable):
    """An incident as the list shows it. Null is unknown, or not yet."""

    model_config = ConfigDict(json_schema_extra={"example": examples.ROW})

    incident_id: UUID
    exercise: bool
    stage: Stage
    opened_at: datetime
    platform: str
    determination: Determination | None
    severity: Severity | None
    reports: int
    break_glass_owed: int = Field(
        description="Uses of break-glass that a second person has not spoken on."
    )
    assessment: Assessed | None
    inaction: str | None = Field(description="Why it was decided not to act, where it was.")
    dismissal: IncidentDismissed | None


class FactView(FactRecorded):
    recorded_at: datetime
    recorded_by: str
    corrected_by: UUID | None


class ActionView(ActionProposed):
    proposed_at: datetime
    proposed_by: str
    legal: LegalViewGiven | None
    legal_by: str | None
    authorised_by: list[str]
    outcome: Contained | None = Field(description="Of the last attempt.")
    outcome_by: str | None
    gates: list[GateView] = Field(default=[], description="What it waits for.")
    next_commands: list[str] = Field(
        default=[], description="What the caller may do about it next."
    )


class BreakGlassView(BreakGlassUsed):
    used_at: datetime
    used_by: str
    owed: bool = Field(description="Whether a second person's word is owed.")
    word: BreakGlassConfirmed | None
    word_by: str | None


class IncidentView(IncidentRow, Peopled):
    """Everything that triage knows of an incident, and what the caller may do next."""

    model_config = ConfigDict(json_schema_extra={"example": examples.INCIDENT})

    version: int
    facts: list[FactView]
    seats: dict[Seat, str]
    actions: list[ActionView]
    break_glass: list[BreakGlassView]
    gates: list[GateView] = Field(
        description="Of the assessment, and of every action that is not done."
    )
    missing: list[str] = Field(description="All that the closed gates miss.")
    next_commands: list[str] = Field(description="What the caller may do next.")
