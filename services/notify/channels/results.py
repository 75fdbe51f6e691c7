"""What a channel is given, and the three things that can come of it.

A channel says `Delivered` only where a server said that it took the message. What is not known to
have been refused is `NobodyKnows`: a person has to find out, because sending it again might send it
twice. No URL, address, nor any word of a server enters a result: it is recorded for ever."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Payload:
    """`id` is the same for every attempt, so that a receiver recognises a repetition."""

    id: UUID
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """The channel took the message."""


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """The channel certainly did not take the message: it can be sent again."""

    error: str


@dataclass(frozen=True, slots=True)
class NobodyKnows:
    """The message may or may not have gone out."""

    reason: str


Result: TypeAlias = Delivered | NotDelivered | NobodyKnows

NO_CONNECTION = NotDelivered("There was no connection to the channel.")
BROKE_OFF = NobodyKnows(
    "The connection broke, or no clear answer came, after the message may have been sent."
)


class Channel(Protocol):
    """One way to one destination."""

    async def send(self, message: Payload) -> Result:
        """Sends once and waits for the answer; never raises for what the other side does."""
