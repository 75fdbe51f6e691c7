"""What the sealer of the log does with what it read from the topic, decided without any I/O.

A message becomes a leaf exactly when a receiver would have accepted it (`judge`): the next number
of its chain, decodable, at its place, signed, its speaker's to say. What comes too early is held
back until the numbers before it have come; the missing number is a hole. Everything else is parked.
Leaves stand in the order of each partition; an event that waited stands behind the one it waited
for.

Each event's own signature is checked, although the next one's would vouch for its bytes: the log
shows the signature beside the leaf, a dossier that proves one event has no other, and what no
receiver has heard is not to be sealed as if it had been. A message whose signature was spoilt on
its way is parked here as it is everywhere, a hole until a good copy comes (`ledger relay-again`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, TypeAlias

from shared.chain.link import EMPTY, Head
from shared.chain.trust import Trust
from shared.contract.envelope import read
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import (
    Heard,
    Known,
    Parked,
    ParkReason,
    Received,
    Record,
    examine,
    receive,
)
from shared.seal.growth import LogRefused

Chain: TypeAlias = tuple[ServiceName, int]
Waiting: TypeAlias = dict[tuple[ServiceName, int], Heard]
"""By speaker and number, of one partition."""

MOST_WAITING: Final = 100_000
"""Events that are held back in memory; more means that a hole was left open while its service went
on for long."""


@dataclass(frozen=True, slots=True)
class Hole:
    """The number that a chain's later events wait for, and since when."""

    service: ServiceName
    partition: int
    sequence: int
    since: datetime
    recorded: bool = False

    @property
    def chain(self) -> Chain:
        return self.service, self.partition


@dataclass(frozen=True, slots=True)
class Chains:
    """How far each chain is sealed, what is held back, and what is missing."""

    heads: Mapping[Chain, Head] = field(
        default_factory=lambda: {
            (service, number): EMPTY for service in ServiceName for number in range(PARTITIONS)
        }
    )
    waiting: Mapping[int, tuple[Heard, ...]] = field(default_factory=dict)
    """By partition."""
    holes: Mapping[Chain, Hole] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """What becomes of what arrived on one partition, and how the chains stand after it."""

    leaves: tuple[Heard, ...]
    parked: tuple[Parked, ...]
    held: tuple[Heard, ...]
    released: tuple[Heard, ...]
    """What waited before and does not any more: it is a leaf, parked, or another copy is a leaf."""
    opened: tuple[Hole, ...]
    filled: tuple[Hole, ...]
    chains: Chains
    trust: Trust


def take(
    chains: Chains,
    partition: int,
    known: Known,
    examined: Sequence[Heard | Parked],
    trust: Trust,
    now: datetime,
) -> Taken:
    """`known` are the hashes of the leaves at those numbers of the partition's chains which the
    batch repeats. Raises LogRefused."""
    waited = {_place(item): item for item in chains.waiting.get(partition, ())}
    heads = {
        service: head for (service, number), head in chains.heads.items() if number == partition
    }
    taking = _Taking(heads, dict(known), dict(waited), trust)
    taking.take(examined)
    before = {hole.service: hole for hole in chains.holes.values() if hole.partition == partition}
    after = _holes(partition, taking, before, now)
    taken = Taken(
        leaves=tuple(taking.leaves),
        parked=tuple(taking.parked),
        held=_without(taking.waiting, waited),
        released=_without(waited, taking.waiting),
        opened=tuple(hole for service, hole in after.items() if before.get(service) != hole),
        filled=tuple(hole for service, hole in before.items() if after.get(service) != hole),
        chains=Chains(
            {
                **chains.heads,
                **{(service, partition): head for service, head in taking.heads.items()},
            },
            {**chains.waiting, partition: tuple(taking.waiting.values())},
            {
                **{chain: hole for chain, hole in chains.holes.items() if chain[1] != partition},
                **{hole.chain: hole for hole in after.values()},
            },
        ),
        trust=taking.trust,
    )
    _within_bounds(taken.chains)
    return taken


def _without(some: Waiting, others: Waiting) -> tuple[Heard, ...]:
    """Those whose message does not wait among the others."""
    return tuple(
        item
        for place, item in some.items()
        if place not in others or others[place].record is not item.record
    )


def take_again(
    entries: Sequence[bytes],
    signatures: Sequence[bytes],
    chains: Chains,
    trust: Trust,
    now: datetime,
) -> list[Taken]:
    """The leaves of a log, checked and taken in their order as when they came. Raises LogRefused
    when one of them is none."""
    try:
        placed = [
            (read(entry).link.partition, entry, signature)
            for entry, signature in zip(entries, signatures, strict=True)
        ]
    except ValueError as error:
        raise LogRefused(
            f"the log store holds a leaf that is no event, or has no signature: {error}"
        ) from error
    records = [
        Record(partition, leaf, None, entry, (), sign)
        for leaf, (partition, entry, sign) in enumerate(placed)
    ]
    taken: list[Taken] = []
    for partition, run in groupby(records, key=lambda record: record.partition):
        taken.append(
            take(chains, partition, {}, [examine(record, trust) for record in run], trust, now)
        )
        chains, trust = taken[-1].chains, taken[-1].trust
    if [heard.record for one in taken for heard in one.leaves] != records:
        raise LogRefused(
            "the log store holds a leaf that no service can have said there: it was changed"
        )
    return taken


@dataclass(slots=True)
class _Taking:
    """Through the batch, from one change of key to the next."""

    heads: Mapping[ServiceName, Head]
    known: dict[tuple[ServiceName, int], bytes]
    waiting: Waiting
    trust: Trust
    leaves: list[Heard] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)

    def take(self, examined: Sequence[Heard | Parked]) -> None:
        while (received := self._receive(examined)).rotated:
            self.trust = self.trust.after(*(heard.event for heard in received.accepted))
            again = [examine(item.record, self.trust) for item in self.waiting.values()]
            self.waiting = {_place(item): item for item in again if isinstance(item, Heard)}
            self.parked += [item for item in again if isinstance(item, Parked)]
            examined = [examine(record, self.trust) for record in received.rest]

    def _receive(self, examined: Sequence[Heard | Parked]) -> Received:
        received = receive(None, self.heads, self.known, list(self.waiting.values()), examined)
        self.heads = received.heads
        self.leaves += received.accepted
        self.known |= {_place(heard): heard.event.hash for heard in received.accepted}
        for item in received.parked:
            if item.reason is ParkReason.GAP and item.event is not None:
                self._hold(Heard(item.event, item.record))
            else:
                self._park(item)
        self.waiting = {
            place: item
            for place, item in self.waiting.items()
            if place[1] > self.heads[place[0]].sequence
        }
        return received

    def _park(self, item: Parked) -> None:
        self.parked.append(item)
        if item.event is not None:
            place = item.event.service, item.event.link.sequence
            if place in self.waiting and self.waiting[place].record is item.record:
                del self.waiting[place]

    def _hold(self, early: Heard) -> None:
        """Once for each number; a second event of a number that waits is loud at once."""
        if self.waiting.setdefault(_place(early), early).event.hash != early.event.hash:
            detail = "another event with this number waits for those before it"
            self.parked.append(Parked(early.record, ParkReason.EQUIVOCATION, detail, early.event))


def _place(item: Heard) -> tuple[ServiceName, int]:
    return item.event.service, item.event.link.sequence


def _holes(
    partition: int, taking: _Taking, before: Mapping[ServiceName, Hole], now: datetime
) -> dict[ServiceName, Hole]:
    holes: dict[ServiceName, Hole] = {}
    for service in {service for service, _ in taking.waiting}:
        missing, old = taking.heads[service].sequence + 1, before.get(service)
        holes[service] = (
            old if old and old.sequence == missing else Hole(service, partition, missing, now)
        )
    return holes


def _within_bounds(chains: Chains) -> None:
    if sum(map(len, chains.waiting.values())) > MOST_WAITING:
        raise LogRefused(
            f"more than {MOST_WAITING} events wait for numbers that are missing in their chains: "
            + ", ".join(
                f"{hole.service}/{hole.partition} number {hole.sequence}"
                for hole in chains.holes.values()
            )
        )


def overdue(holes: Iterable[Hole], now: datetime, after: timedelta) -> list[Hole]:
    """The holes to record: open for so long, and not yet said."""
    return [hole for hole in holes if not hole.recorded and now - hole.since >= after]


def recorded(chains: Chains, said: Sequence[Hole]) -> Chains:
    """The same, with these holes as said."""
    return replace(
        chains,
        holes={**chains.holes, **{hole.chain: replace(hole, recorded=True) for hole in said}},
    )
