"""What may be asked of review, and by whom. Ids come with the command; time and actor come with the
context. `EVENT` is the event that records a command; an audit makes the command again from it."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, TypeAlias
from uuid import UUID

from shared.contract.catalogue import review
from shared.contract.catalogue.base import Words
from shared.contract.catalogue.review import (
    ActionItem,
    Covered,
    ErasedText,
    ErasureGround,
    ErasureScope,
    ReportDigest,
    ReviewTrigger,
    Side,
    TextKind,
)
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
    contributing_factor: Words
    control_layer: ControlLayer
    training_adequate: Answer
    policy_understood: Answer
    action_items: tuple[ActionItem, ...] = ()
    no_action_reason: Words | None = None


@dataclass(frozen=True, slots=True)
class RecordObservation:
    EVENT: ClassVar = review.ObservationRecorded

    kind: ObservationKind
    text: Words


@dataclass(frozen=True, slots=True)
class RecordLesson:
    EVENT: ClassVar = review.LessonRecorded

    text: Words


@dataclass(frozen=True, slots=True)
class CitePolicyClause:
    EVENT: ClassVar = review.PolicyClauseCited

    policy: Words
    clause: Words
    comment: Words | None = None


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


@dataclass(frozen=True, slots=True)
class RequestErasure:
    """`texts` is what the scope came to. More than one event holds are asked for by several, whose
    ids follow from this one. `side` is needed of a person who may speak for both."""

    EVENT: ClassVar = review.ErasureRequested

    erasure_id: UUID
    scope: ErasureScope
    ground: ErasureGround
    texts: tuple[ErasedText, ...]
    reason: Words
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class ConfirmErasure:
    EVENT: ClassVar = review.ContentErased

    erasure_id: UUID


@dataclass(frozen=True, slots=True)
class RefuseErasure:
    EVENT: ClassVar = review.ErasureRefused

    erasure_id: UUID
    reason: Words


@dataclass(frozen=True, slots=True)
class PlaceHold:
    EVENT: ClassVar = review.HoldPlaced

    hold_id: UUID
    reason: Words
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    EVENT: ClassVar = review.HoldReleased

    hold_id: UUID
    reason: Words


@dataclass(frozen=True, slots=True)
class WarnOfRetention:
    """The service's own: texts of these kinds are there, and their time is about to end."""

    EVENT: ClassVar = review.RetentionWarned

    kinds: tuple[TextKind, ...]


@dataclass(frozen=True, slots=True)
class EndRetention:
    """The service's own: these texts are all of these kinds, and their time has ended."""

    EVENT: ClassVar = review.ContentErased

    erasure_id: UUID
    kinds: tuple[TextKind, ...]
    texts: tuple[ErasedText, ...]


Recording: TypeAlias = (
    RecordFinding | RecordObservation | RecordLesson | CitePolicyClause | SetNextReview
)
Reviewing: TypeAlias = OpenReview | Recording | Publish
Erasing: TypeAlias = (
    RequestErasure
    | ConfirmErasure
    | RefuseErasure
    | PlaceHold
    | ReleaseHold
    | WarnOfRetention
    | EndRetention
)
Command: TypeAlias = Reviewing | Erasing
