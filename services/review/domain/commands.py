"""What may be asked of review, and by whom. Ids come with the command; time and actor come with the
context. `EVENT` is the event that records a command; an audit makes the command again from it."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, TypeAlias
from uuid import UUID

from shared.contract.catalogue import review
from shared.contract.catalogue.review import ActionItem, Covered, ReportDigest, ReviewTrigger
from shared.contract.vocabulary import Answer, ControlLayer, ObservationKind


@dataclass(frozen=True, slots=True)
class OpenReview:
    """`confirmed`: the service's own, on hearing an assessment. `requested`: a person's, by
    hand."""

    EVENT: ClassVar = review.ReviewOpened

    trigger: ReviewTrigger


@dataclass(frozen=True, slots=True)
class RecordFinding:
    """Either what will be done about it, or why nothing will."""

    EVENT: ClassVar = review.FindingRecorded

    finding_id: UUID
    contributing_factor: str
    control_layer: ControlLayer
    training_adequate: Answer
    policy_understood: Answer
    action_items: tuple[ActionItem, ...] = ()
    no_action_reason: str | None = None


@dataclass(frozen=True, slots=True)
class RecordObservation:
    EVENT: ClassVar = review.ObservationRecorded

    kind: ObservationKind
    text: str


@dataclass(frozen=True, slots=True)
class RecordLesson:
    EVENT: ClassVar = review.LessonRecorded

    text: str


@dataclass(frozen=True, slots=True)
class CitePolicyClause:
    EVENT: ClassVar = review.PolicyClauseCited

    policy: str
    clause: str
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class SetNextReview:
    EVENT: ClassVar = review.NextReviewSet

    on: date


@dataclass(frozen=True, slots=True)
class Publish:
    """States that the report with these digests, which rests on these events, is published."""

    EVENT: ClassVar = review.Reviewed

    report: ReportDigest
    covers: tuple[Covered, ...]


Recording: TypeAlias = (
    RecordFinding | RecordObservation | RecordLesson | CitePolicyClause | SetNextReview
)
Command: TypeAlias = OpenReview | Recording | Publish
