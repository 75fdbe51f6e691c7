"""What triage says: facts, assessment, actions and on whose authority."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from shared.contract.catalogue.base import (
    Code,
    Confidential,
    EventData,
    Exposure,
    Line,
    Name,
    Part,
    Person,
    Text,
)
from shared.contract.vocabulary import (
    ActionClass,
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
    ServiceName,
    Severity,
)


class TriageEvent(EventData):
    SAID_BY: ClassVar[ServiceName] = ServiceName.TRIAGE


class FactRecorded(TriageEvent):
    """Something was established, or is known to be unknown. A correction names the fact it
    corrects."""

    TYPE: ClassVar[str] = "incident.fact_recorded.v1"

    fact_id: UUID
    key: FactKey
    label: Confidential[Name | None] = Field(
        None, description="What the fact is about, where `key` is other."
    )
    known: bool = Field(
        description='False when the value is "unknown", which is an answer and satisfies no gate.'
    )
    value: Confidential[Text]
    confidence: Confidence
    source: Confidential[Line]
    observed_at: datetime
    corrects: UUID | None = None


class SeatFilled(TriageEvent):
    """A person took one of the seats that an incident needs."""

    TYPE: ClassVar[str] = "incident.seat_filled.v1"

    seat: Seat
    holder: Person


class LegalViewOn(Part):
    action_id: UUID
    view: LegalView


class Assessed(TriageEvent):
    """Exposure, what leaked, severity, legal views so far, facts known and still missing. A later
    one replaces an earlier one."""

    TYPE: ClassVar[str] = "incident.assessed.v1"

    revision: int = Field(ge=1)
    determination: Determination
    information_types: tuple[InformationType, ...]
    exposure: Exposure
    severity: Severity
    severity_rule: Code = Field(
        description='The row of the severity table that gave it, or "overridden".'
    )
    severity_override_reason: Confidential[Text | None] = None
    facts_known: tuple[FactKey, ...] = ()
    facts_missing: tuple[FactKey, ...] = ()
    legal_views: tuple[LegalViewOn, ...] = ()


class ActionProposed(TriageEvent):
    """An action that legal may be asked about and a lead may authorise."""

    TYPE: ClassVar[str] = "incident.action_proposed.v1"

    action_id: UUID
    kind: ActionKind
    action_class: ActionClass
    target: Confidential[Line]
    reason: Confidential[Text | None] = None


class LegalViewGiven(TriageEvent):
    """What legal thinks of one action, and on which ground."""

    TYPE: ClassVar[str] = "incident.legal_view_given.v1"

    action_id: UUID
    view: LegalView
    ground: Confidential[Text]
    conditions: Confidential[Text | None] = None
    protected_activity_considered: bool = False


class ActionAuthorised(TriageEvent):
    TYPE: ClassVar[str] = "incident.action_authorised.v1"

    action_id: UUID
    kind: ActionKind


class BreakGlassUsed(TriageEvent):
    """A gate was passed without what it asks for. A second person's word is owed from now on."""

    TYPE: ClassVar[str] = "incident.break_glass_used.v1"

    break_glass_id: UUID
    gate: GateName
    action_id: UUID
    reason: Confidential[Text]
    missing: tuple[Code, ...] = Field(
        (), description="What the gate still asked for when it was passed."
    )


class BreakGlassConfirmed(TriageEvent):
    """The second person's word: whether passing the gate was right."""

    TYPE: ClassVar[str] = "incident.break_glass_confirmed.v1"

    break_glass_id: UUID
    upheld: bool
    note: Confidential[Text]


class Contained(TriageEvent):
    """One action was carried out, on whose authority, with what result."""

    TYPE: ClassVar[str] = "incident.contained.v1"

    action_id: UUID
    kind: ActionKind
    action_class: ActionClass
    outcome: Outcome
    carried_out_at: datetime
    authorised_by: Person | None = Field(
        None, description="Null for a protective action, which waits for nobody."
    )
    legal_view: LegalView | None = None
    break_glass: tuple[UUID, ...] = ()
    note: Confidential[Text | None] = None


class InactionDecided(TriageEvent):
    """A recorded decision not to act."""

    TYPE: ClassVar[str] = "incident.inaction_decided.v1"

    reason: Confidential[Text]


class IncidentDismissed(TriageEvent):
    """Triage ends here, with a reason."""

    TYPE: ClassVar[str] = "incident.dismissed.v1"

    reason: DismissalReason
    note: Confidential[Text]
