"""What review says: findings, lessons and the published report's digest."""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from shared.contract.catalogue.base import (
    Code,
    Confidential,
    Digest,
    IncidentEvent,
    InWords,
    Line,
    Part,
    Person,
    Salted,
    Text,
    words_of,
)
from shared.contract.vocabulary import Answer, ControlLayer, ObservationKind, ServiceName
from shared.contract.wording import count, word, words


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
    owner: Person
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

    policy: Confidential[Line]
    clause: Confidential[Line]
    comment: Confidential[Text | None] = None

    def in_words(self) -> InWords:
        return (
            f"Policy clause concerned: {words_of(self.policy)}, {words_of(self.clause)}.",
            self.comment,
        )


class NextReviewSet(ReviewEvent):
    TYPE: ClassVar[str] = "incident.next_review_set.v1"

    on: date

    def in_words(self) -> InWords:
        return f"The next review was set to {self.on}.", None


class ReportDigest(Part):
    """SHA-256 of the published report's skeleton, as hex, and in which format of ours it was
    made. The skeleton has digests in place of texts: it can be made again when they are gone."""

    format: int = Field(ge=1)
    skeleton_sha256: Digest


class Covered(Part):
    """The last event of one service on this incident that the report rests on."""

    service: ServiceName
    sequence: int
    hash: Digest


class ErasureGround(StrEnum):
    """Why a text is erased: the grounds of Regulation (EU) 2016/679, art. 17 (1), and what a court
    or our own table of retention adds."""

    NO_LONGER_NEEDED = "no_longer_needed"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    OBJECTION = "objection"
    UNLAWFUL_PROCESSING = "unlawful_processing"
    LEGAL_OBLIGATION = "legal_obligation"
    COURT_ORDER = "court_order"
    RETENTION_ENDED = "retention_ended"


class ErasureScope(StrEnum):
    """What was asked for; the texts that it came to stand in the event."""

    FIELDS = "fields"
    EVENT = "event"
    PERSON = "person"


class Side(StrEnum):
    """For whom somebody speaks on forgetting. It takes both sides to erase, and to release what one
    of them holds."""

    PRIVACY = "privacy"
    LEGAL = "legal"


class TextKind(StrEnum):
    """The kinds of text that the table of retention knows."""

    REPORT = "report"
    FACT = "fact"
    ASSESSMENT = "assessment"
    ACTION = "action"
    BREAK_GLASS = "break_glass"
    MESSAGE = "message"
    SENDING = "sending"
    FINDING = "finding"
    LESSON = "lesson"
    FORGETTING = "forgetting"


class ErasedText(Part):
    """One field of one event."""

    event_id: UUID
    name: Code = Field(
        description='The field; "unnamed" where the text that would tell was not at hand.'
    )
    digest: Salted = Field(description="The digest that stands for it in the event.")


class ErasureRequested(ReviewEvent):
    """Somebody asks that these texts are forgotten; a person of the other side has the last
    word."""

    TYPE: ClassVar[str] = "incident.erasure_requested.v1"

    erasure_id: UUID
    scope: ErasureScope
    ground: ErasureGround
    texts: tuple[ErasedText, ...] = Field(min_length=1)
    asked_as: Side
    reason: Confidential[Text]

    def in_words(self) -> InWords:
        asked = count(len(self.texts), "text")
        return f"Asked for {self.asked_as}: erase {asked} ({word(self.ground)}).", self.reason


class ErasureRefused(ReviewEvent):
    """The request is closed; the texts stay."""

    TYPE: ClassVar[str] = "incident.erasure_refused.v1"

    erasure_id: UUID
    reason: Confidential[Text]

    def in_words(self) -> InWords:
        return "An erasure was refused.", self.reason


class ContentErased(ReviewEvent):
    """Two persons have decided that these texts are forgotten, or the table of retention has: from
    here on every service drops them and takes them in no more. The events that held them stay what
    they are."""

    TYPE: ClassVar[str] = "incident.content_erased.v1"

    erasure_id: UUID
    ground: ErasureGround
    texts: tuple[ErasedText, ...] = Field(min_length=1)
    requested_by: Person
    confirmed_by: Person | None = Field(
        None, description="Another person; null where retention ended by itself."
    )
    kinds: tuple[TextKind, ...] = Field((), description="Of text, where retention ended by itself.")

    def in_words(self) -> InWords:
        by = "by two persons" if self.confirmed_by else "by the table of retention"
        return f"Erased {by}: {count(len(self.texts), 'text')} ({word(self.ground)}).", None


class HoldPlaced(ReviewEvent):
    """Nothing of this incident is erased while the hold stands: not by persons, not by
    retention."""

    TYPE: ClassVar[str] = "incident.hold_placed.v1"

    hold_id: UUID
    placed_as: Side
    reason: Confidential[Text]

    def in_words(self) -> InWords:
        return f"A hold was placed for {self.placed_as}.", self.reason


class HoldReleased(ReviewEvent):
    TYPE: ClassVar[str] = "incident.hold_released.v1"

    hold_id: UUID
    reason: Confidential[Text]

    def in_words(self) -> InWords:
        return "A hold was released.", self.reason


class RetentionWarned(ReviewEvent):
    """These kinds of text of this incident will be erased, unless somebody places a hold."""

    TYPE: ClassVar[str] = "incident.retention_warned.v1"

    kinds: tuple[TextKind, ...] = Field(min_length=1)
    days: int = Field(ge=1, description="The warning: at most so many days before the end.")
    ends_at: datetime

    def in_words(self) -> InWords:
        return f"Retention ends on {self.ends_at:%Y-%m-%d} for: {words(self.kinds)}.", None


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
