"""What becomes a leaf, whatever comes in whatever order; and that a crash between any two steps
leaves one log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, ParkReason, Record, examine, receive
from shared.seal.decide import Chains, Hole, Taken, overdue, take
from shared.seal.growth import (
    LogRefused,
    Tree,
    TreeHead,
    edge_tiles,
    grow,
    may_resume,
    signatures_of,
    signatures_path,
)
from shared.tlog.bundles import decode_bundle
from shared.tlog.growth import Edge
from shared.tlog.merkle import leaf_hash, root_of
from shared.tlog.tile_proofs import root_from_tiles
from shared.tlog.tiles import ENTRIES, Tile
from tests.unit.runtime.test_receiving import chain, trust

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
INTAKE, PARTITION = ServiceName.INTAKE, 3
SAID = chain(INTAKE, 12)


def at(offset: int, record: Record) -> Record:
    return replace(record, offset=offset)


def taken(
    chains: Chains, records: Sequence[Record], known: Sequence[Heard] = (), now: datetime = NOW
) -> Taken:
    hashes = {(heard.event.service, heard.event.link.sequence): heard.event.hash for heard in known}
    return take(
        chains, PARTITION, hashes, [examine(record, trust()) for record in records], trust(), now
    )


def numbers(leaves: Sequence[Heard]) -> list[int]:
    return [heard.event.link.sequence for heard in leaves]


arrivals = st.lists(st.integers(0, len(SAID) - 1), max_size=40)


@given(arrivals, st.lists(st.integers(1, 5)))
def test_leaves_are_what_a_receiver_accepts_in_its_order_however_it_comes_in_batches(
    order: list[int], sizes: list[int]
) -> None:
    records = [at(offset, SAID[number]) for offset, number in enumerate(order)]
    chains, leaves = Chains(), list[Heard]()
    left = list(records)
    for size in [*sizes, len(records) + 1]:
        batch, left = left[:size], left[size:]
        step = taken(chains, batch, leaves)
        chains = step.chains
        leaves += step.leaves
        assert not step.parked
    heads = {service: Chains().heads[service, PARTITION] for service in ServiceName}
    heard = receive(None, heads, {}, [], [examine(record, trust()) for record in records])
    assert numbers(leaves) == numbers(heard.accepted) == list(range(1, len(leaves) + 1))
    waiting = {item.event.link.sequence for item in chains.waiting.get(PARTITION, ())}
    assert waiting == {number + 1 for number in order} - set(numbers(leaves))
    assert [hole.sequence for hole in chains.holes.values()] == (
        [len(leaves) + 1] if waiting else []
    )


def test_what_no_receiver_would_hear_is_no_leaf_though_a_later_event_names_its_hash() -> None:
    spoilt = replace(SAID[1], signature=bytes(64))
    first = taken(Chains(), [at(0, SAID[0]), at(1, spoilt), at(2, SAID[2])])
    assert numbers(first.leaves) == [1]
    assert [(item.record.offset, item.reason) for item in first.parked] == [
        (1, ParkReason.UNTRUSTED)
    ]
    healed = taken(first.chains, [at(3, SAID[0]), at(4, SAID[1]), at(5, SAID[2])], first.leaves)
    assert numbers(healed.leaves) == [2, 3]
    assert [heard.record.signature for heard in healed.leaves] == [
        SAID[1].signature,
        SAID[2].signature,
    ]


def test_a_hole_is_as_old_as_the_first_event_behind_it() -> None:
    first = taken(Chains(), [at(0, SAID[0]), at(1, SAID[2])])
    assert first.opened == (Hole(INTAKE, PARTITION, 2, NOW),)
    later = NOW + timedelta(seconds=30)
    second = taken(first.chains, [at(2, SAID[3])], now=later)
    assert (second.opened, second.filled) == ((), ())
    third = taken(second.chains, [at(3, SAID[1]), at(4, SAID[6])], now=later)
    assert numbers(third.leaves) == [2, 3, 4]
    assert third.filled == first.opened
    assert third.opened == (Hole(INTAKE, PARTITION, 5, later),)
    assert {item.record.offset for item in third.released} == {1, 2}


def test_only_a_hole_that_is_old_and_not_yet_said_is_due() -> None:
    old, young = (
        Hole(INTAKE, 3, 2, NOW - timedelta(seconds=60)),
        Hole(INTAKE, 4, 2, NOW - timedelta(seconds=59)),
    )
    said = replace(old, recorded=True)
    assert overdue([old, young, said], NOW, timedelta(seconds=60)) == [old]


def test_two_events_of_one_number_are_loud_whichever_comes_first() -> None:
    rival = _rival(3)
    waits = taken(Chains(), [at(0, SAID[2]), at(1, rival)])
    assert [item.reason for item in waits.parked] == [ParkReason.EQUIVOCATION]
    overtaken = taken(waits.chains, [at(2, SAID[0]), at(3, SAID[1])])
    assert numbers(overtaken.leaves) == [1, 2, 3]
    again = taken(overtaken.chains, [at(4, rival)], overtaken.leaves)
    assert [item.reason for item in again.parked] == [ParkReason.EQUIVOCATION]


def _rival(number: int) -> Record:
    """Another event at this number, rightly signed."""
    return chain(INTAKE, number, data=Reported(opens=False, channel=ReportChannel.API))[number - 1]


def test_what_cannot_be_a_leaf_is_parked_and_holds_up_nobody() -> None:
    nonsense = replace(SAID[0], value=b"nonsense")
    step = taken(Chains(), [at(0, nonsense), at(1, SAID[0])])
    assert numbers(step.leaves) == [1]
    assert [(item.record.offset, item.reason) for item in step.parked] == [
        (0, ParkReason.MALFORMED)
    ]


@pytest.mark.parametrize(
    ("shown", "refused"),
    [
        (TreeHead(5, b"5"), False),
        (TreeHead(8, b"8"), False),
        (None, True),
        (TreeHead(9, b"9"), True),
        (TreeHead(3, b"3"), True),
        (TreeHead(5, b"x"), True),
        (TreeHead(8, b"x"), True),
        (TreeHead(6, b"6"), True),
    ],
)
def test_who_may_go_on_from_five_published_and_eight_decided(
    shown: TreeHead | None, refused: bool
) -> None:
    decided, published = TreeHead(8, b"8"), TreeHead(5, b"5")
    if refused:
        with pytest.raises(LogRefused):
            may_resume(decided, published, shown)
    else:
        may_resume(decided, published, shown)


def test_an_empty_log_begins() -> None:
    may_resume(TreeHead(), TreeHead(), None)
    may_resume(TreeHead(3, b"3"), TreeHead(), None)


class Crash(Exception):
    """The process is gone."""


@dataclass
class World:
    """What outlives a crash: the database's row and the files; `left` counts the effects until the
    next crash."""

    decided: TreeHead = field(default_factory=TreeHead)
    published: TreeHead = field(default_factory=TreeHead)
    staged: tuple[bytes, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    checkpoint: TreeHead | None = None
    left: int = 1 << 30
    shown: dict[int, bytes] = field(default_factory=dict)

    def effect(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Crash

    def publish(self, grown_tree: Tree, files: Sequence[tuple[str, bytes]]) -> None:
        for path, data in files:
            self.effect()
            assert self.files.setdefault(path, data) == data, "a file never changes"
        self.effect()
        sealed = grown_tree.sealed
        assert self.shown.setdefault(sealed.size, sealed.root) == sealed.root, (
            "no two checkpoints of one size"
        )
        assert root_from_tiles(sealed.size, self._tile) == sealed.root, (
            "no checkpoint without its tiles"
        )
        self.checkpoint = sealed
        self.effect()
        self.published, self.staged = sealed, ()

    def _tile(self, level: int, index: int, width: int) -> bytes:
        return self.files[Tile(level, index, width).path]

    def take_over(self) -> Tree:
        may_resume(self.decided, self.published, self.checkpoint)
        tree = self._tree()
        if self.staged:
            tree = self._grow(tree, self.staged)
        return tree

    def _tree(self) -> Tree:
        rows, entries, signatures = {}, list[bytes](), tuple[bytes, ...]()
        for tile in edge_tiles(self.published.size):
            if tile.level == ENTRIES:
                entries = decode_bundle(self.files[tile.path], tile.width)
                signatures = signatures_of(self.files[signatures_path(tile)])
            else:
                rows[tile.level] = self.files[tile.path]
        edge = Edge.load(self.published.size, lambda level, _index, _width: rows[level])
        assert edge.root == self.published.root
        return Tree(edge, tuple(entries), signatures)

    def seal(self, tree: Tree, leaves: Sequence[bytes]) -> Tree:
        self.effect()
        after = root_of([*self._hashes(), *map(leaf_hash, leaves)])
        self.decided, self.staged = TreeHead(tree.edge.size + len(leaves), after), tuple(leaves)
        return self._grow(tree, leaves)

    def _hashes(self) -> Iterator[bytes]:
        return map(leaf_hash, LEAVES[: self.published.size])

    def _grow(self, tree: Tree, leaves: Sequence[bytes]) -> Tree:
        grown = grow(tree, leaves, [bytes(64)] * len(leaves), list(map(leaf_hash, leaves)))
        assert grown.tree.sealed == self.decided
        self.publish(grown.tree, grown.files)
        return grown.tree


LEAVES = [b"%d" % number for number in range(1500)]


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=6), st.lists(st.integers(0, 12), max_size=20)
)
def test_a_crash_between_any_two_steps_leaves_one_log(
    growths: list[int], crashes: list[int]
) -> None:
    world, wanted = World(), LEAVES[: min(sum(growths), len(LEAVES))]
    while world.published.size < len(wanted):
        world.left = crashes.pop() if crashes else 1 << 30
        try:
            tree = world.take_over()
            while (size := tree.edge.size) < len(wanted):
                tree = world.seal(tree, wanted[size : size + growths[size % len(growths)]])
        except Crash:
            continue
    assert world.checkpoint == TreeHead(len(wanted), root_of(map(leaf_hash, wanted)))
    assert {size: root_of(map(leaf_hash, wanted[:size])) for size in world.shown} == world.shown


def test_growing_costs_the_same_however_large_the_log_is() -> None:
    sizes = []
    for size in (10**4, 10**7):
        rows = []
        for level in range(8):
            width = (size >> 8 * level) % 256
            if size >> 8 * level:
                rows.append(tuple([bytes(32)] * width))
        tail = size % 256
        tree = Tree(Edge(size, tuple(rows)), tuple([b"leaf"] * tail), tuple([bytes(64)] * tail))
        grown = grow(tree, LEAVES[:512], [bytes(64)] * 512, list(map(leaf_hash, LEAVES[:512])))
        sizes.append(sum(len(data) for _, data in grown.files))
    assert sizes[1] < sizes[0] * 1.5
