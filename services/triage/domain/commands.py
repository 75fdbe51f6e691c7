"""The requests that triage takes. Ids come with the command; time and actor come with the
context."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

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
    seat: Seat
    holder: str


@dataclass(frozen=True, slots=True)
class Assess:
    """The first assessment, or a later one that replaces it. `severity_override` takes precedence
    over the severity table, and needs its reason."""

    determination: Determination
    information_types: tuple[InformationType, ...]
    exposure: Exposure
    severity_override: Severity | None = None
    severity_override_reason: Words | None = None


@dataclass(frozen=True, slots=True)
class ProposeAction:
    action_id: UUID
    kind: ActionKind
    target: Words
    reason: Words | None = None


@dataclass(frozen=True, slots=True)
class GiveLegalView:
    action_id: UUID
    view: LegalView
    ground: Words
    conditions: Words | None = None
    protected_activity_considered: bool = False


@dataclass(frozen=True, slots=True)
class AuthoriseAction:
    action_id: UUID


@dataclass(frozen=True, slots=True)
class CarryOut:
    """The actor carried the action out, with this outcome."""

    action_id: UUID
    outcome: Outcome
    carried_out_at: datetime
    note: Words | None = None


@dataclass(frozen=True, slots=True)
class BreakGlass:
    break_glass_id: UUID
    gate: GateName
    action_id: UUID
    reason: Words


@dataclass(frozen=True, slots=True)
class ConfirmBreakGlass:
    """The word of a second person on a use of break-glass."""

    break_glass_id: UUID
    upheld: bool
    note: Words


@dataclass(frozen=True, slots=True)
class DecideInaction:
    reason: Words


@dataclass(frozen=True, slots=True)
class Dismiss:
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
