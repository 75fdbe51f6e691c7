"""What may be asked of review, and by whom. Ids come with the command; time and actor come with the
context."""

from dataclasses import dataclass
from datetime import date
from typing import TypeAlias
from uuid import UUID

from shared.contract.catalogue.base import Words
from shared.contract.catalogue.review import ActionItem, Covered, ReportDigest, ReviewTrigger
from shared.contract.vocabulary import Answer, ControlLayer, ObservationKind


@dataclass(frozen=True, slots=True)
class OpenReview:
    """`confirmed`: the service's own, on hearing an assessment. `requested`: a person's, by
    hand."""

    trigger: ReviewTrigger


@dataclass(frozen=True, slots=True)
class RecordFinding:
    """Either what will be done about it, or why nothing will."""

    finding_id: UUID
    contributing_factor: Words
    control_layer: ControlLayer
    training_adequate: Answer
    policy_understood: Answer
    action_items: tuple[ActionItem, ...] = ()
    no_action_reason: Words | None = None


@dataclass(frozen=True, slots=True)
class RecordObservation:
    kind: ObservationKind
    text: Words


@dataclass(frozen=True, slots=True)
class RecordLesson:
    text: Words


@dataclass(frozen=True, slots=True)
class CitePolicyClause:
    policy: Words
    clause: Words
    comment: Words | None = None


@dataclass(frozen=True, slots=True)
class SetNextReview:
    on: date


@dataclass(frozen=True, slots=True)
class Publish:
    """States that the report with these digests, which rests on these events, is published."""

    report: ReportDigest
    covers: tuple[Covered, ...]


Recording: TypeAlias = (
    RecordFinding | RecordObservation | RecordLesson | CitePolicyClause | SetNextReview
)
Command: TypeAlias = OpenReview | Recording | Publish
