"""Which messages of the topic become leaves of the log, decided without any I/O.

A message becomes a leaf exactly when a receiver would have accepted it (`judge`): the next number
of its chain, decodable, on its partition, signed, and of a type that its service may say. An event
that comes too early is held back until the numbers before it have come; the missing number is a
hole. Everything else is parked. Leaves keep the order of each partition, except that an event that
waited follows the one it waited for.

Each event's own signature is checked, although the next event on the chain would vouch for its
bytes: the log shows the signature beside the leaf, a dossier that proves one event has no other,
and an event that no receiver has heard must not be sealed as if one had. A message whose signature
was spoilt on its way is parked here as it is everywhere, and leaves a hole until a good copy comes
(`ledger relay-again`).
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
"""The events of one partition that are held back, by service and sequence."""

MOST_WAITING: Final = 100_000
"""Events held back in memory. More than these mean that a hole was left open for long while its
service went on."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A number that is missing on a chain, and since when later events wait for it."""

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
    """The last leaf of each chain, the events held back, and the numbers missing."""

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
    """The outcome of a batch of one partition, and the chains after it."""

    leaves: tuple[Heard, ...]
    parked: tuple[Parked, ...]
    held: tuple[Heard, ...]
    released: tuple[Heard, ...]
    """Events no longer held back: each became a leaf or was parked, or another copy of it became a
    leaf."""
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
    """Decides on a batch of one partition. `known` holds the hashes of the leaves at the numbers
    that the batch repeats. Raises LogRefused."""
    waited = {_number(item): item for item in chains.waiting.get(partition, ())}
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
    """The events of `some` whose message is not among the others."""
    return tuple(
        item
        for number, item in some.items()
        if number not in others or others[number].record is not item.record
    )


def take_again(
    entries: Sequence[bytes],
    signatures: Sequence[bytes],
    chains: Chains,
    trust: Trust,
    now: datetime,
) -> list[Taken]:
    """Checks the entries of a log and takes them in their order, as when they arrived. Raises
    LogRefused when one of them cannot be a leaf."""
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
    """A batch being decided on, in stretches from one change of key to the next."""

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
            self.waiting = {_number(item): item for item in again if isinstance(item, Heard)}
            self.parked += [item for item in again if isinstance(item, Parked)]
            examined = [examine(record, self.trust) for record in received.rest]

    def _receive(self, examined: Sequence[Heard | Parked]) -> Received:
        received = receive(None, self.heads, self.known, list(self.waiting.values()), examined)
        self.heads = received.heads
        self.leaves += received.accepted
        self.known |= {_number(heard): heard.event.hash for heard in received.accepted}
        for item in received.parked:
            if item.reason is ParkReason.GAP and item.event is not None:
                self._hold(Heard(item.event, item.record))
            else:
                self._park(item)
        self.waiting = {
            number: item
            for number, item in self.waiting.items()
            if number[1] > self.heads[number[0]].sequence
        }
        return received

    def _park(self, item: Parked) -> None:
        self.parked.append(item)
        if item.event is not None:
            number = item.event.service, item.event.link.sequence
            if number in self.waiting and self.waiting[number].record is item.record:
                del self.waiting[number]

    def _hold(self, early: Heard) -> None:
        """Keeps one event for each number. A different event at a number that waits already is
        parked at once."""
        if self.waiting.setdefault(_number(early), early).event.hash != early.event.hash:
            detail = "another event with this number waits for those before it"
            self.parked.append(Parked(early.record, ParkReason.EQUIVOCATION, detail, early.event))


def _number(item: Heard) -> tuple[ServiceName, int]:
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
    """The holes to record: open at least this long, and not recorded yet."""
    return [hole for hole in holes if not hole.recorded and now - hole.since >= after]


def recorded(chains: Chains, said: Sequence[Hole]) -> Chains:
    """The chains with these holes marked as recorded."""
    return replace(
        chains,
        holes={**chains.holes, **{hole.chain: replace(hole, recorded=True) for hole in said}},
    )
