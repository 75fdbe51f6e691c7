"""What notify may be asked: by people, by its own reaction to an assessment, by its own sender.
`EVENT` is the event that records a command; an audit makes the command again from it."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias
from uuid import UUID

from shared.contract.catalogue import notify
from shared.contract.catalogue.base import Words
from shared.contract.vocabulary import ApprovalKind, Audience


@dataclass(frozen=True, slots=True)
class NoteDuties:
    """An assessment was heard: say which audiences must now be told."""

    EVENT: ClassVar = notify.CommunicationRequired


@dataclass(frozen=True, slots=True)
class Waive:
    """An audience that must be told need not be, after all."""

    EVENT: ClassVar = notify.CommunicationWaived

    audience: Audience
    reason: Words


@dataclass(frozen=True, slots=True)
class DraftCommunication:
    """`channels` are the names of the channels there are; they are settings, so they come with the
    command."""

    EVENT: ClassVar = notify.CommunicationDrafted

    communication_id: UUID
    audience: Audience
    channel: str
    title: Words
    text: Words
    facts: tuple[UUID, ...]
    channels: frozenset[str]


@dataclass(frozen=True, slots=True)
class Approve:
    """Without a kind: the first that is lacking and is this person's to give."""

    EVENT: ClassVar = notify.CommunicationApproved

    communication_id: UUID
    approval: ApprovalKind | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    EVENT: ClassVar = notify.CommunicationRejected

    communication_id: UUID
    reason: Words


@dataclass(frozen=True, slots=True)
class RequestSend:
    EVENT: ClassVar = notify.CommunicationRequested

    communication_id: UUID


@dataclass(frozen=True, slots=True)
class DecideOutcome:
    """A person found out whether a message of unknown outcome went out."""

    EVENT: ClassVar = notify.SendOutcomeDecided

    communication_id: UUID
    delivered: bool
    reason: Words


@dataclass(frozen=True, slots=True)
class StartSend:
    """The sender is about to send the texts that have these digests, sorted."""

    EVENT: ClassVar = notify.SendStarted

    communication_id: UUID
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordDelivered:
    EVENT: ClassVar = notify.Communicated

    communication_id: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """The channel certainly did not take the message."""

    EVENT: ClassVar = notify.SendFailed

    communication_id: UUID
    attempt: int
    error: Words


@dataclass(frozen=True, slots=True)
class MarkUnknown:
    """Nobody can tell any more whether the attempt went out."""

    EVENT: ClassVar = notify.SendOutcomeUnknown

    communication_id: UUID
    attempt: int


MessageCommand: TypeAlias = Approve | Reject | RequestSend | DecideOutcome
PersonsCommand: TypeAlias = DraftCommunication | Waive | MessageCommand
SendersCommand: TypeAlias = StartSend | RecordDelivered | RecordFailure | MarkUnknown
Command: TypeAlias = NoteDuties | PersonsCommand | SendersCommand
