"""What review says: findings, lessons and the published report's digest."""

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from shared.contract.catalogue.base import (
    Confidential,
    IncidentEvent,
    InWords,
    Line,
    Name,
    Part,
    Text,
)
from shared.contract.vocabulary import Answer, ControlLayer, ObservationKind, ServiceName
from shared.contract.wording import count, word


class ReviewEvent(IncidentEvent):
    SAID_BY: ClassVar[ServiceName] = ServiceName.REVIEW


class ReviewTrigger(StrEnum):
    CONFIRMED = "confirmed"
    REQUESTED = "requested"


class ReviewOpened(ReviewEvent):
    TYPE: ClassVar[str] = "incident.review_opened.v1"

    trigger: ReviewTrigger

    def in_words(self) -> InWords:
        return f"The review was opened ({word(self.trigger)}).", None


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

    def in_words(self) -> InWords:
        items = count(len(self.action_items), "action item")
        return f"Finding: {word(self.control_layer)}; {items}.", self.contributing_factor


class ObservationRecorded(ReviewEvent):
    TYPE: ClassVar[str] = "incident.observation_recorded.v1"

    kind: ObservationKind
    text: Confidential[Text]

    def in_words(self) -> InWords:
        return f"Observed: {word(self.kind)}.", self.text


class LessonRecorded(ReviewEvent):
    TYPE: ClassVar[str] = "incident.lesson_recorded.v1"

    text: Confidential[Text]

    def in_words(self) -> InWords:
        return "Lesson.", self.text


class PolicyClauseCited(ReviewEvent):
    TYPE: ClassVar[str] = "incident.policy_clause_cited.v1"

    policy: Line
    clause: Line
    comment: Confidential[Text | None] = None

    def in_words(self) -> InWords:
        return f"Policy clause concerned: {self.policy}, {self.clause}.", self.comment


class NextReviewSet(ReviewEvent):
    TYPE: ClassVar[str] = "incident.next_review_set.v1"

    on: date

    def in_words(self) -> InWords:
        return f"The next review was set to {self.on}.", None


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

    def in_words(self) -> InWords:
        return f"The report was published with {count(self.findings, 'finding')}.", None
