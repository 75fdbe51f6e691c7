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
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, TypeAlias

from shared.chain.link import EMPTY, Head
from shared.chain.trust import Trust
from shared.contract.envelope import read
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import (
    SIGNATURE_SIZE,
    Heard,
    Known,
    Parked,
    ParkReason,
    Received,
    Record,
    examine,
    receive,
)
from shared.tlog.growth import Edge, grow_bundles
from shared.tlog.merkle import EMPTY_ROOT
from shared.tlog.tiles import ENTRIES, WIDTH, Tile, width_at

Chain: TypeAlias = tuple[ServiceName, int]
Waiting: TypeAlias = dict[tuple[ServiceName, int], Heard]
"""By speaker and number, of one partition."""

MOST_WAITING: Final = 100_000
"""Events that are held back in memory; more means that a hole was left open while its service went
on for long."""


class LogRefused(RuntimeError):
    """Sealing on would contradict what has been published, or grow without bounds: somebody has to
    look first."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A tree of the log: how many leaves, and their root."""

    size: int = 0
    root: bytes = EMPTY_ROOT


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
    turn = _Turn(heads, dict(known), dict(waited), trust)
    turn.take(examined)
    before = {hole.service: hole for hole in chains.holes.values() if hole.partition == partition}
    after = _holes(partition, turn, before, now)
    taken = Taken(
        leaves=tuple(turn.leaves),
        parked=tuple(turn.parked),
        held=_without(turn.waiting, waited),
        released=_without(waited, turn.waiting),
        opened=tuple(hole for service, hole in after.items() if before.get(service) != hole),
        filled=tuple(hole for service, hole in before.items() if after.get(service) != hole),
        chains=Chains(
            {
                **chains.heads,
                **{(service, partition): head for service, head in turn.heads.items()},
            },
            {**chains.waiting, partition: tuple(turn.waiting.values())},
            {
                **{chain: hole for chain, hole in chains.holes.items() if chain[1] != partition},
                **{hole.chain: hole for hole in after.values()},
            },
        ),
        trust=turn.trust,
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
    if sum(len(one.leaves) for one in taken) != len(records):
        raise LogRefused(
            "the log store holds a leaf that no service can have said there: it was changed"
        )
    return taken


@dataclass(slots=True)
class _Turn:
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
    partition: int, turn: _Turn, before: Mapping[ServiceName, Hole], now: datetime
) -> dict[ServiceName, Hole]:
    holes: dict[ServiceName, Hole] = {}
    for service in {service for service, _ in turn.waiting}:
        missing, old = turn.heads[service].sequence + 1, before.get(service)
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


@dataclass(frozen=True, slots=True)
class Tree:
    """The right edge of the log: what the next leaves need of those that are there. The tails are
    those of the last, partial bundle."""

    edge: Edge = field(default_factory=Edge)
    entries: tuple[bytes, ...] = ()
    signatures: tuple[bytes, ...] = ()

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.edge.size, self.edge.root)


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree after more leaves, every file that must be there before anybody hears of it, and the
    full tiles whose partial ones nobody needs once it is published."""

    tree: Tree
    files: tuple[tuple[str, bytes], ...]
    full: tuple[str, ...]


def grow(
    tree: Tree, entries: Sequence[bytes], signatures: Sequence[bytes], hashes: Sequence[bytes]
) -> Grown:
    """The same leaves on the same tree always make the same files."""
    size = tree.edge.size
    growth = tree.edge.grow(hashes)
    bundles = grow_bundles(size, tree.entries, entries)
    all_signatures = [*tree.signatures, *signatures]
    files = [(tile.path, data) for tile, data in (*growth.tiles, *bundles)]
    for at, (tile, _) in enumerate(bundles):
        row = all_signatures[at * WIDTH : at * WIDTH + tile.width]
        files.append((signatures_path(tile), b"".join(map(_of_size, row))))
    full = [
        tile.path
        for tile, _ in (*growth.tiles, *bundles)
        if not tile.is_partial and tile.index == _last(tile, size)
    ]
    full += [
        signatures_path(tile)
        for tile, _ in bundles
        if not tile.is_partial and tile.index == _last(tile, size)
    ]
    tail = (size + len(entries)) % WIDTH
    kept = slice(len(all_signatures) - tail, None)
    after = Tree(growth.edge, tuple([*tree.entries, *entries][kept]), tuple(all_signatures[kept]))
    return Grown(after, tuple(files), tuple(full))


def _last(tile: Tile, size: int) -> int:
    """The one tile of the level that was partial in a tree of this size."""
    return (size >> 8 * max(tile.level, 0)) // WIDTH


def _of_size(signature: bytes) -> bytes:
    if len(signature) != SIGNATURE_SIZE:
        raise LogRefused(f"a leaf's signature has {len(signature)} bytes, not {SIGNATURE_SIZE}")
    return signature


def signatures_path(bundle: Tile) -> str:
    """Where the signatures of a bundle's events lie: 64 bytes each, at the bundle's own number and
    width."""
    return bundle.path.replace("tile/entries/", "signatures/", 1)


def edge_tiles(size: int) -> list[Tile]:
    """The partial tiles from which a sealer takes up the tree of this size again, the entry bundle
    among them."""
    tiles = []
    for level in range(ENTRIES, 8):
        index = (size >> 8 * max(level, 0)) // WIDTH
        if width := width_at(level, index, size):
            tiles.append(Tile(level, index, width))
    return tiles


def signatures_of(data: bytes) -> tuple[bytes, ...]:
    """The signatures in a file of them."""
    return tuple(
        data[start : start + SIGNATURE_SIZE] for start in range(0, len(data), SIGNATURE_SIZE)
    )


def may_resume(decided: Sealed, published: Sealed, shown: Sealed | None) -> None:
    """Whether the database and the log that everybody sees are of one history: it shows what the
    database has published, or, after a crash at the worst moment, what it has decided to publish
    next. Raises LogRefused."""
    if shown in (published, decided) or (shown is None and published.size == 0):
        return
    if shown is None:
        raise LogRefused(
            f"the log store has no checkpoint, but one of {published.size} leaves was published: put the store back, or set "
            "LEDGER_LOG_STORE to where the log lies"
        )
    if shown.size > decided.size:
        raise LogRefused(
            f"the published checkpoint has {shown.size} leaves, the database knows of {decided.size}: it was restored from an old backup, "
            "or the store is another log's. Going on would fork the log; restore a newer backup"
        )
    if shown.size < published.size:
        raise LogRefused(
            f"the log store shows {shown.size} leaves, {published.size} were published: it was restored from an old backup; put the "
            "newer one back"
        )
    raise LogRefused(
        f"the published checkpoint of {shown.size} leaves has another root than the database's: two logs, or one that was changed"
    )
