"""What triage says: facts, assessment, actions and on whose authority."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from shared.contract.catalogue.base import (
    Code,
    Confidential,
    Exposure,
    IncidentEvent,
    InWords,
    Line,
    Name,
    Part,
    Person,
    Text,
    words_of,
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
from shared.contract.wording import moment, tier, word, words


class TriageEvent(IncidentEvent):
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

    @property
    def about(self) -> str:
        """The key that gates ask for, or the label that a person gave the fact."""
        return (words_of(self.label) or self.key) if self.key is FactKey.OTHER else self.key

    def in_words(self) -> InWords:
        corrects = ", correcting an earlier fact" if self.corrects else ""
        if not self.known:
            return f"Recorded as unknown: {word(self.about)}{corrects}.", None
        says = f"Established with {self.confidence} confidence{corrects}: {word(self.about)}."
        return says, self.value


class SeatFilled(TriageEvent):
    """A person took one of the seats that an incident needs."""

    TYPE: ClassVar[str] = "incident.seat_filled.v1"

    seat: Seat
    holder: Person

    def in_words(self) -> InWords:
        return f"{self.holder} took the {word(self.seat)} seat.", None


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

    def in_words(self) -> InWords:
        missing = f" Facts missing: {words(self.facts_missing)}." if self.facts_missing else ""
        says = (
            f"Assessed as {word(self.determination)}, severity {self.severity} "
            f"(rule: {word(self.severity_rule)}), "
            f"reach {tier(self.exposure.audience_tier)}.{missing}"
        )
        return says, self.severity_override_reason


class ActionProposed(TriageEvent):
    """An action that legal may be asked about and a lead may authorise."""

    TYPE: ClassVar[str] = "incident.action_proposed.v1"

    action_id: UUID
    kind: ActionKind
    action_class: ActionClass
    target: Confidential[Line]
    reason: Confidential[Text | None] = None

    def in_words(self) -> InWords:
        what = f"{word(self.kind)} ({word(self.action_class)})"
        says = f"Proposed: {what}, aimed at “{words_of(self.target)}”."
        return says, self.reason


class LegalViewGiven(TriageEvent):
    """What legal thinks of one action, and on which ground."""

    TYPE: ClassVar[str] = "incident.legal_view_given.v1"

    action_id: UUID
    view: LegalView
    ground: Confidential[Text]
    conditions: Confidential[Text | None] = None
    protected_activity_considered: bool = False

    def in_words(self) -> InWords:
        return f"Legal view on an action: {word(self.view)}.", self.ground


class ActionAuthorised(TriageEvent):
    TYPE: ClassVar[str] = "incident.action_authorised.v1"

    action_id: UUID
    kind: ActionKind

    def in_words(self) -> InWords:
        return f"Authorised: {word(self.kind)}.", None


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

    def in_words(self) -> InWords:
        lack = f" that still asked for: {words(self.missing)}" if self.missing else ""
        says = (
            f"Break-glass: passed the gate “{word(self.gate)}”{lack}. "
            "A second person's word is owed."
        )
        return says, self.reason


class BreakGlassConfirmed(TriageEvent):
    """The second person's word: whether passing the gate was right."""

    TYPE: ClassVar[str] = "incident.break_glass_confirmed.v1"

    break_glass_id: UUID
    upheld: bool
    note: Confidential[Text]

    def in_words(self) -> InWords:
        verdict = "upheld" if self.upheld else "not upheld"
        return f"A second person's word on break-glass: {verdict}.", self.note


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

    def in_words(self) -> InWords:
        says = (
            f"Carried out: {word(self.kind)}, on {moment(self.carried_out_at)}; "
            f"outcome {self.outcome}."
        )
        return says, self.note


class InactionDecided(TriageEvent):
    """A recorded decision not to act."""

    TYPE: ClassVar[str] = "incident.inaction_decided.v1"

    reason: Confidential[Text]

    def in_words(self) -> InWords:
        return "Decided not to act.", self.reason


class IncidentDismissed(TriageEvent):
    """Triage ends here, with a reason."""

    TYPE: ClassVar[str] = "incident.dismissed.v1"

    reason: DismissalReason
    note: Confidential[Text]

    def in_words(self) -> InWords:
        return f"Dismissed: {word(self.reason)}.", self.note
