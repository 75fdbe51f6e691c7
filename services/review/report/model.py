"""The shape of a report, as its JSON form shows it. Every statement carries the event that made it;
null is "unknown" or "not yet"."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.review.report.sources import Edition, Ref, Source
from shared.contract.authority import Role
from shared.contract.catalogue.base import Exposure
from shared.contract.catalogue.review import ActionItem, Covered
from shared.contract.vocabulary import (
    ActionClass,
    ActionKind,
    Answer,
    ApprovalKind,
    Audience,
    Confidence,
    ControlLayer,
    Determination,
    DiscoveryMethod,
    Fidelity,
    GateName,
    InformationType,
    LegalView,
    ObservationKind,
    Outcome,
    Seat,
    Severity,
)

FORMAT: Final = 1
"""The format of a new report. Counts up whenever the same events give other bytes than before:
digests hold within one format. A report that was published in an older one is still made in that
one, and tests/unit/review/published holds its bytes."""

FORMATS: Final = (FORMAT,)
"""Those that this build can make."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that publishing still waits for."""

    item: str
    missing: tuple[str, ...]
    who_can_supply: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Unpublished:
    """The report is not published yet: it will change."""

    review_opened: bool
    missing: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One event of the timeline. `says` is ours, `quote` is free text that people wrote."""

    source: Source
    type: str
    milestone: bool
    says: str
    quote: str | None


@dataclass(frozen=True, slots=True)
class ReportMade:
    source: Source
    opens: bool
    exercise: bool
    channel: str
    reporter_kept: bool
    discovery: DiscoveryMethod
    noticed_at: datetime | None
    noticed_at_fidelity: Fidelity | None
    description: str | None
    information_types: tuple[InformationType, ...]
    exposure: Exposure


@dataclass(frozen=True, slots=True)
class FactLine:
    source: Source
    fact_id: UUID
    key: str
    known: bool
    value: str
    confidence: Confidence
    told_by: str
    observed_at: datetime
    corrects: UUID | None
    corrected_by: Ref | None


@dataclass(frozen=True, slots=True)
class AssessmentLine:
    source: Source
    revision: int
    determination: Determination
    severity: Severity
    severity_rule: str
    severity_override_reason: str | None
    information_types: tuple[InformationType, ...]
    facts_known: tuple[str, ...]
    facts_missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """How long something was waited for: null when it is not over, was passed or cannot be told;
    `says` says which."""

    seconds: float | None
    says: str


@dataclass(frozen=True, slots=True)
class Wait:
    """How long an action waited, each counted from its proposal; the waits ran side by side."""

    action_id: UUID
    kind: ActionKind | None
    proposed: Source | None
    facts: Span
    legal: Span
    carried_out: Span


@dataclass(frozen=True, slots=True)
class ExposureLine:
    aspect: str
    reported: str
    assessed: str


@dataclass(frozen=True, slots=True)
class SeatLine:
    source: Source
    seat: Seat
    holder: str


@dataclass(frozen=True, slots=True)
class LegalLine:
    source: Source
    view: LegalView
    ground: str
    conditions: str | None
    protected_activity_considered: bool


@dataclass(frozen=True, slots=True)
class AttemptLine:
    source: Source
    outcome: Outcome
    carried_out_at: datetime
    authority: str
    break_glass: tuple[UUID, ...]
    note: str | None


@dataclass(frozen=True, slots=True)
class ActionLine:
    action_id: UUID
    kind: ActionKind | None
    action_class: ActionClass | None
    target: str | None
    reason: str | None
    proposed: Source | None
    legal_views: tuple[LegalLine, ...]
    authorised: tuple[Source, ...]
    attempts: tuple[AttemptLine, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """A recorded decision not to act, or to dismiss."""

    source: Source
    decision: str
    reason: str


@dataclass(frozen=True, slots=True)
class SecondWord:
    source: Source
    upheld: bool
    note: str


@dataclass(frozen=True, slots=True)
class GlassLine:
    """A use of break-glass; `second_word` is null while it is owed."""

    source: Source
    break_glass_id: UUID
    gate: GateName
    action_id: UUID
    kind: ActionKind | None
    reason: str
    missing: tuple[str, ...]
    second_word: SecondWord | None


@dataclass(frozen=True, slots=True)
class DutyLine:
    """An audience that had to be told, by which rule, and what became of it: told, waived or
    owed."""

    source: Source
    audience: Audience
    rule: str
    became: str
    settled: Source | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class CitedFact:
    fact_id: UUID
    key: str | None
    value: str | None
    event: Ref | None
    corrected_by: Ref | None


@dataclass(frozen=True, slots=True)
class ApprovalLine:
    source: Source
    kind: ApprovalKind


@dataclass(frozen=True, slots=True)
class MessageLine:
    communication_id: UUID
    audience: Audience | None
    channel: str | None
    title: str | None
    text: str | None
    drafted: Source | None
    facts: tuple[CitedFact, ...]
    approvals: tuple[ApprovalLine, ...]
    failed_attempts: int
    told: Source | None
    standing: str


@dataclass(frozen=True, slots=True)
class FindingLine:
    source: Source
    finding_id: UUID
    contributing_factor: str
    control_layer: ControlLayer
    training_adequate: Answer
    policy_understood: Answer
    action_items: tuple[ActionItem, ...]
    no_action_reason: str | None


@dataclass(frozen=True, slots=True)
class ObservationLine:
    source: Source
    kind: ObservationKind
    text: str


@dataclass(frozen=True, slots=True)
class LessonLine:
    source: Source
    text: str


@dataclass(frozen=True, slots=True)
class ClauseLine:
    source: Source
    policy: str
    clause: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Measure:
    """A time that the incident took, from the event that opened it; null when the end is not on
    record."""

    name: str
    label: str
    seconds: float | None
    text: str
    since: Ref | None
    until: Ref | None


@dataclass(frozen=True, slots=True)
class ProofLine:
    """An event that the report covers: anybody who has its envelope can hash it and compare."""

    event: Ref
    type: str
    hash: str


@dataclass(frozen=True, slots=True)
class Report:
    """`edition` is null in the skeleton: its bytes cannot hold their own digest."""

    format: int
    edition: Edition | None
    incident_id: UUID | None
    exercise: Answer
    determination: Determination | None
    severity: Severity | None
    draft: Unpublished | None
    summary: tuple[str, ...]
    timeline: tuple[TimelineRow, ...]
    reports: tuple[ReportMade, ...]
    facts: tuple[FactLine, ...]
    assessments: tuple[AssessmentLine, ...]
    waits: tuple[Wait, ...]
    exposure: tuple[ExposureLine, ...]
    seats: tuple[SeatLine, ...]
    actions: tuple[ActionLine, ...]
    endings: tuple[Ending, ...]
    break_glass: tuple[GlassLine, ...]
    duties: tuple[DutyLine, ...]
    messages: tuple[MessageLine, ...]
    findings: tuple[FindingLine, ...]
    observations: tuple[ObservationLine, ...]
    lessons: tuple[LessonLine, ...]
    policy_clauses: tuple[ClauseLine, ...]
    next_review_on: date | None
    measures: tuple[Measure, ...]
    covers: tuple[Covered, ...]
    proof: tuple[ProofLine, ...]
