"""How the log's files grow, whether a sealer may go on, and that a crash between any two steps
leaves one log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
