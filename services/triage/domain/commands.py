"""The requests that triage takes. Ids come with the command; time and actor come with the context.
`EVENT` is the event that records a command; an audit makes the command again from it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeAlias
from uuid import UUID

from shared.contract.catalogue import triage
from shared.contract.catalogue.base import Exposure, Words
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


@dataclass(frozen=True, slots=True)
class RecordFact:
    EVENT: ClassVar = triage.FactRecorded

    fact_id: UUID
    key: FactKey
    value: Words
    confidence: Confidence
    source: Words
    observed_at: datetime
    corrects: UUID | None = None
    label: Words | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class FillSeat:
    EVENT: ClassVar = triage.SeatFilled

    seat: Seat
    holder: str


@dataclass(frozen=True, slots=True)
class Assess:
    """The first assessment, or a later one that replaces it. `severity_override` takes precedence
    over the severity table, and needs its reason."""

    EVENT: ClassVar = triage.Assessed

    determination: Determination
    information_types: tuple[InformationType, ...]
    exposure: Exposure
    severity_override: Severity | None = None
    severity_override_reason: Words | None = None


@dataclass(frozen=True, slots=True)
class ProposeAction:
    EVENT: ClassVar = triage.ActionProposed

    action_id: UUID
    kind: ActionKind
    target: Words
    reason: Words | None = None


@dataclass(frozen=True, slots=True)
class GiveLegalView:
    EVENT: ClassVar = triage.LegalViewGiven

    action_id: UUID
    view: LegalView
    ground: Words
    conditions: Words | None = None
    protected_activity_considered: bool = False


@dataclass(frozen=True, slots=True)
class AuthoriseAction:
    EVENT: ClassVar = triage.ActionAuthorised

    action_id: UUID


@dataclass(frozen=True, slots=True)
class CarryOut:
    """The actor carried the action out, with this outcome."""

    EVENT: ClassVar = triage.Contained

    action_id: UUID
    outcome: Outcome
    carried_out_at: datetime
    note: Words | None = None


@dataclass(frozen=True, slots=True)
class BreakGlass:
    EVENT: ClassVar = triage.BreakGlassUsed

    break_glass_id: UUID
    gate: GateName
    action_id: UUID
    reason: Words


@dataclass(frozen=True, slots=True)
class ConfirmBreakGlass:
    """The word of a second person on a use of break-glass."""

    EVENT: ClassVar = triage.BreakGlassConfirmed

    break_glass_id: UUID
    upheld: bool
    note: Words


@dataclass(frozen=True, slots=True)
class DecideInaction:
    EVENT: ClassVar = triage.InactionDecided

    reason: Words


@dataclass(frozen=True, slots=True)
class Dismiss:
    EVENT: ClassVar = triage.IncidentDismissed

    reason: DismissalReason
    note: Words


Command: TypeAlias = (
    RecordFact
    | FillSeat
    | Assess
    | ProposeAction
    | GiveLegalView
    | AuthoriseAction
    | CarryOut
    | BreakGlass
    | ConfirmBreakGlass
    | DecideInaction
    | Dismiss
)
