"""What review says: findings, lessons and the published report's digest."""

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from shared.contract.catalogue.base import Confidential, EventData, Line, Name, Part, Text
from shared.contract.vocabulary import Answer, ControlLayer, ObservationKind, ServiceName


class ReviewEvent(EventData):
    SAID_BY: ClassVar[ServiceName] = ServiceName.REVIEW


class ReviewTrigger(StrEnum):
    CONFIRMED = "confirmed"
    REQUESTED = "requested"


class ReviewOpened(ReviewEvent):
    TYPE: ClassVar[str] = "incident.review_opened.v1"

    trigger: ReviewTrigger


class ActionItem(Part):
    """What will be done about a finding."""

    description: Confidential[Line]
    owner: Name
    due: date


class FindingRecorded(ReviewEvent):
    """A contributing factor, and which control layer let it through."""

    TYPE: ClassVar[str] = "incident.finding_recorded.v1"

    finding_id: UUID
    contributing_factor: Confidential[Text]
    control_layer: ControlLayer
    training_adequate: Answer
    policy_understood: Answer
    action_items: tuple[ActionItem, ...] = ()
    no_action_reason: Confidential[Text | None] = None


class ObservationRecorded(ReviewEvent):
    TYPE: ClassVar[str] = "incident.observation_recorded.v1"

    kind: ObservationKind
    text: Confidential[Text]


class LessonRecorded(ReviewEvent):
    TYPE: ClassVar[str] = "incident.lesson_recorded.v1"

    text: Confidential[Text]


class PolicyClauseCited(ReviewEvent):
    TYPE: ClassVar[str] = "incident.policy_clause_cited.v1"

    policy: Line
    clause: Line
    comment: Confidential[Text | None] = None


class NextReviewSet(ReviewEvent):
    TYPE: ClassVar[str] = "incident.next_review_set.v1"

    on: date


class ReportDigest(Part):
    """SHA-256 of the published report in each form, as hex, and in which format of ours the report
    was made."""

    format: int = Field(
        default=1, ge=1, description="Events from before it was said are of format 1."
    )
    json_sha256: str
    markdown_sha256: str
    html_sha256: str


class Covered(Part):
    """The last event of one service on this incident that the report rests on."""

    service: ServiceName
    sequence: int
    hash: str


class Reviewed(ReviewEvent):
    """The lessons-learned report is published. Whoever has the covered events can project the same
    report again."""

    TYPE: ClassVar[str] = "incident.reviewed.v1"

    report: ReportDigest
    covers: tuple[Covered, ...]
    findings: int = Field(ge=1)
    action_items: int = Field(ge=0)
    lessons: int = Field(ge=0)
    next_review_on: date | None = None
