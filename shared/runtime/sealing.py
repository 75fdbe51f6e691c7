"""What the sealer of the log does with what it read from the topic, decided without any I/O.

A message becomes a leaf exactly when a receiver would have accepted it (`receiving`): the next number of its chain, decodable, at its
place, signed, its speaker's to say. What comes too early is held back until the numbers before it have come; the missing number is a
hole. Everything else is parked. Leaves stand in the order of each partition; an event that waited stands behind the one it waited for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from shared.contract.chain import EMPTY, Head
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.receiving import SIGNATURE_SIZE, Heard, Known, Parked, ParkReason, Received, receive
from shared.tlog.growth import Edge, grow_bundles
from shared.tlog.merkle import EMPTY_ROOT
from shared.tlog.tiles import ENTRIES, WIDTH, Tile, width_at

Chain: TypeAlias = tuple[ServiceName, int]

MOST_WAITING: Final = 100_000
"""Events that are held back in memory; more means that a hole was left open while its service went on for long."""


class LogRefused(RuntimeError):
    """Sealing on would contradict what has been published, or grow without bounds: somebody has to look first."""


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
        default_factory=lambda: {(service, number): EMPTY for service in ServiceName for number in range(PARTITIONS)}
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


def take(chains: Chains, partition: int, known: Known, examined: Sequence[Heard | Parked], now: datetime) -> Taken:
    """`known` are the hashes of the leaves at those numbers of the partition's chains which the batch repeats."""
    waited = chains.waiting.get(partition, ())
    heads = {service: head for (service, number), head in chains.heads.items() if number == partition}
    received = receive(None, heads, known, waited, examined)
    held, parked = _hold(received, waited)
    gone = {item.record.offset for item in received.accepted} | {item.record.offset for item in parked}
    waiting: list[Heard] = []
    overtaken: list[Heard] = []
    for item in (*waited, *held):
        if item.record.offset not in gone:
            behind = item.event.link.sequence <= received.heads[item.event.service].sequence
            (overtaken if behind else waiting).append(item)
    parked += _equivocations(overtaken, received, known)
    if sum(map(len, chains.waiting.values())) + len(held) > MOST_WAITING:
        raise LogRefused(
            f"more than {MOST_WAITING} events wait for missing numbers of their chains: "
            + ", ".join(f"{hole.service}/{hole.partition} number {hole.sequence}" for hole in chains.holes.values())
        )
    after = _holes(partition, received, waiting, chains.holes, now)
    still = {item.record.offset for item in waiting}
    return Taken(
        leaves=received.accepted,
        parked=tuple(parked),
        held=tuple(item for item in held if item.record.offset in still),
        released=tuple(item for item in waited if item.record.offset not in still),
        opened=tuple(hole for chain, hole in after.items() if chains.holes.get(chain) != hole),
        filled=tuple(
            hole for chain, hole in chains.holes.items() if chain[1] == partition and after.get(chain) != hole
        ),
        chains=Chains(
            {**chains.heads, **{(service, partition): head for service, head in received.heads.items()}},
            {**chains.waiting, partition: tuple(waiting)},
            {**{chain: hole for chain, hole in chains.holes.items() if chain[1] != partition}, **after},
        ),
    )


def _hold(received: Received, waited: Sequence[Heard]) -> tuple[list[Heard], list[Parked]]:
    """What came too early is held back, once for each number; a second event of a number that waits is loud at once."""
    places = {(item.event.service, item.event.link.sequence): item.event.hash for item in waited}
    held: list[Heard] = []
    parked: list[Parked] = []
    for item in received.parked:
        if item.reason is not ParkReason.GAP or item.event is None:
            parked.append(item)
            continue
        hash_ = places.setdefault((item.event.service, item.event.link.sequence), item.event.hash)
        if hash_ != item.event.hash:
            parked.append(replace(item, reason=ParkReason.EQUIVOCATION))
        elif not any(waiting.event.hash == hash_ for waiting in (*waited, *held)):
            held.append(Heard(item.event, item.record))
    return held, parked


def _equivocations(overtaken: Sequence[Heard], received: Received, known: Known) -> list[Parked]:
    """What waited, and stands at a number where another event has become a leaf."""
    sealed = {(item.event.service, item.event.link.sequence): item.event.hash for item in received.accepted}
    return [
        Parked(item.record, ParkReason.EQUIVOCATION, "another event with this number is a leaf", item.event)
        for item in overtaken
        if ({**known, **sealed}).get((item.event.service, item.event.link.sequence)) != item.event.hash
    ]


def _holes(
    partition: int, received: Received, waiting: Iterable[Heard], before: Mapping[Chain, Hole], now: datetime
) -> dict[Chain, Hole]:
    holes: dict[Chain, Hole] = {}
    for service in {item.event.service for item in waiting}:
        missing = received.heads[service].sequence + 1
        old = before.get((service, partition))
        known = old is not None and old.sequence == missing
        holes[service, partition] = old if old and known else Hole(service, partition, missing, now)
    return holes


def overdue(holes: Iterable[Hole], now: datetime, after: timedelta) -> list[Hole]:
    """The holes to record: open for so long, and not yet said."""
    return [hole for hole in holes if not hole.recorded and now - hole.since >= after]


@dataclass(frozen=True, slots=True)
class Tree:
    """The right edge of the log: what the next leaves need of those that are there. The tails are those of the last, partial bundle."""

    edge: Edge = field(default_factory=Edge)
    entries: tuple[bytes, ...] = ()
    signatures: tuple[bytes, ...] = ()

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.edge.size, self.edge.root)


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree after more leaves, every file that must be there before anybody hears of it, and the full tiles whose partial ones
    nobody needs once it is published."""

    tree: Tree
    files: tuple[tuple[str, bytes], ...]
    full: tuple[str, ...]


def grow(tree: Tree, entries: Sequence[bytes], signatures: Sequence[bytes], hashes: Sequence[bytes]) -> Grown:
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
        tile.path for tile, _ in (*growth.tiles, *bundles) if not tile.is_partial and tile.index == _last(tile, size)
    ]
    full += [signatures_path(tile) for tile, _ in bundles if not tile.is_partial and tile.index == _last(tile, size)]
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
    """Where the signatures of a bundle's events lie: 64 bytes each, at the bundle's own number and width."""
    return bundle.path.replace("tile/entries/", "signatures/", 1)


def edge_tiles(size: int) -> list[Tile]:
    """The partial tiles from which a sealer takes up the tree of this size again, the entry bundle among them."""
    tiles = []
    for level in range(ENTRIES, 8):
        index = (size >> 8 * max(level, 0)) // WIDTH
        if width := width_at(level, index, size):
            tiles.append(Tile(level, index, width))
    return tiles


def signatures_of(data: bytes) -> tuple[bytes, ...]:
    """The signatures in a file of them."""
    return tuple(data[start : start + SIGNATURE_SIZE] for start in range(0, len(data), SIGNATURE_SIZE))


def may_resume(decided: Sealed, published: Sealed, shown: Sealed | None) -> None:
    """Whether the database and the log that everybody sees are of one history: it shows what the database has published, or,
    after a crash at the worst moment, what it has decided to publish next. Raises LogRefused."""
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
