"""What notify says: who must be told, who was told what, on which facts and with whose approval."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from shared.contract.catalogue.base import (
    Code,
    Confidential,
    IncidentEvent,
    InWords,
    Line,
    Person,
    Salted,
    Setting,
    Text,
    words_of,
)
from shared.contract.vocabulary import ApprovalKind, Audience, ServiceName
from shared.contract.wording import count, moment, word


class NotifyEvent(IncidentEvent):
    SAID_BY: ClassVar[ServiceName] = ServiceName.NOTIFY


class CommunicationRequired(NotifyEvent):
    """The assessment makes it a duty to tell this audience."""

    TYPE: ClassVar[str] = "incident.communication_required.v1"

    audience: Audience
    rule: Code = Field(description="The row of the table of duties that asks for it.")

    def in_words(self) -> InWords:
        says = f"It became a duty to tell {word(self.audience)} (rule: {word(self.rule)})."
        return says, None


class CommunicationDrafted(NotifyEvent):
    TYPE: ClassVar[str] = "incident.communication_drafted.v1"

    communication_id: UUID
    audience: Audience
    channel: Setting
    title: Confidential[Line]
    text: Confidential[Text]
    facts: tuple[UUID, ...] = Field(description="The facts that the text rests on.")

    def in_words(self) -> InWords:
        cited = count(len(self.facts), "fact")
        says = (
            f"Drafted for {word(self.audience)} by {self.channel}, resting on {cited}: "
            f"“{words_of(self.title)}”."
        )
        return says, None


class CommunicationApproved(NotifyEvent):
    TYPE: ClassVar[str] = "incident.communication_approved.v1"

    communication_id: UUID
    approval: ApprovalKind

    def in_words(self) -> InWords:
        return f"A message was approved ({word(self.approval)}).", None


class CommunicationRejected(NotifyEvent):
    """An approver said no; the draft is closed and a new one may be written."""

    TYPE: ClassVar[str] = "incident.communication_rejected.v1"

    communication_id: UUID
    reason: Confidential[Text]

    def in_words(self) -> InWords:
        return "A message was turned down.", self.reason


class CommunicationRequested(NotifyEvent):
    """A person asked for the approved message to be sent."""

    TYPE: ClassVar[str] = "incident.communication_requested.v1"

    communication_id: UUID

    def in_words(self) -> InWords:
        return "An approved message was handed over for sending.", None


class SendStarted(NotifyEvent):
    """Recorded before the channel is called: from here on a crash leaves the outcome unknown."""

    TYPE: ClassVar[str] = "incident.send_started.v1"

    communication_id: UUID
    attempt: int = Field(ge=1)

    def in_words(self) -> InWords:
        return f"Sending began, attempt {self.attempt}.", None


class SendFailed(NotifyEvent):
    """The channel refused or failed; `retry_at` is null when no further attempt will be made by
    itself."""

    TYPE: ClassVar[str] = "incident.send_failed.v1"

    communication_id: UUID
    attempt: int = Field(ge=1)
    error: Confidential[Line]
    retry_at: datetime | None

    def in_words(self) -> InWords:
        then = (
            f"to be tried again at {moment(self.retry_at)}"
            if self.retry_at
            else "not tried again by itself"
        )
        return f"Sending failed at attempt {self.attempt}; {then}.", self.error


class SendOutcomeUnknown(NotifyEvent):
    """The process died between sending and recording: a person decides, the message is never sent
    twice by itself."""

    TYPE: ClassVar[str] = "incident.send_outcome_unknown.v1"

    communication_id: UUID
    attempt: int = Field(ge=1)

    def in_words(self) -> InWords:
        return f"Whether attempt {self.attempt} arrived is unknown; a person decides.", None


class SendOutcomeDecided(NotifyEvent):
    """A person found out whether the message went out."""

    TYPE: ClassVar[str] = "incident.send_outcome_decided.v1"

    communication_id: UUID
    attempt: int = Field(ge=1)
    delivered: bool
    reason: Confidential[Text]

    def in_words(self) -> InWords:
        arrived = "arrived" if self.delivered else "did not arrive"
        return f"A person found out that attempt {self.attempt} {arrived}.", self.reason


class Communicated(NotifyEvent):
    """One audience was told, what, by which channel, approved by whom."""

    TYPE: ClassVar[str] = "incident.communicated.v1"

    communication_id: UUID
    audience: Audience
    channel: Setting
    texts: tuple[Salted, ...] = Field(
        description="Digests of the title and text that were sent, as the draft has them."
    )
    facts: tuple[UUID, ...]
    approved_by: tuple[Person, ...]
    attempt: int = Field(ge=1)

    def in_words(self) -> InWords:
        by = ", ".join(self.approved_by) or "nobody on record"
        return f"Told {word(self.audience)} by {self.channel}; approved by {by}.", None


class CommunicationWaived(NotifyEvent):
    """A duty to tell an audience was lifted, with a reason."""

    TYPE: ClassVar[str] = "incident.communication_waived.v1"

    audience: Audience
    reason: Confidential[Text]

    def in_words(self) -> InWords:
        return f"Telling {word(self.audience)} was waived.", self.reason
