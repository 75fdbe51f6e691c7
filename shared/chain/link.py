"""The arithmetic of chains: what follows a head, and what a receiver does with what arrives.

A chain is one service on one partition. It must arrive as 1, 2, 3, …, each naming the hash before
it. Pure: what is known in, what to do out; the same rules run in production, in simulations and
over recorded histories."""

from enum import StrEnum
from typing import Final, NamedTuple

from shared.contract.envelope import Event, Link
from shared.contract.hashing import ZERO_HASH
from shared.contract.vocabulary import ServiceName


class Head(NamedTuple):
    """The last event of a chain: its number and hash; number 0 stands for an empty chain."""

    sequence: int
    hash: bytes


EMPTY: Final = Head(0, ZERO_HASH)


class Verdict(StrEnum):
    ACCEPT = "accept"
    DUPLICATE = "duplicate"
    GAP = "gap"
    EQUIVOCATION = "equivocation"
    BROKEN_LINK = "broken_link"


def next_link(service: ServiceName, partition: int, head: Head, subject_head: bytes) -> Link:
    """The place of the event that follows `head`."""
    return Link(service, partition, head.sequence + 1, head.hash, subject_head)


def judge(head: Head, event: Event, known_hash: bytes | None) -> Verdict:
    """What a receiver whose chain ends at `head` does with `event`.

    `known_hash` is the hash of what it holds at the event's number, needed for numbers up to the
    head."""
    sequence = event.link.sequence
    if sequence > head.sequence + 1:
        return Verdict.GAP
    if sequence <= head.sequence:
        return Verdict.DUPLICATE if known_hash == event.hash else Verdict.EQUIVOCATION
    return Verdict.ACCEPT if event.link.prevhash == head.hash else Verdict.BROKEN_LINK
