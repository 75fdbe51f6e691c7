"""How the log's files grow, whether a sealer may go on, and that a crash between any two steps
leaves one log."""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.chain.signatures import from_file
from shared.seal.growth import (
    Grown,
    LogRefused,
    Tree,
    TreeHead,
    edge_tiles,
    grow,
    may_resume,
    signatures_path,
)
from shared.tlog.bundles import decode_bundle
from shared.tlog.growth import Edge
from shared.tlog.merkle import leaf_hash, root_of
from shared.tlog.tile_proofs import root_from_tiles
from shared.tlog.tiles import ENTRIES, Tile
from shared.tlog.turns import LENGTHS
from tests.examples import examples


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
def test_five_published_and_eight_decided_go_on_only_from_a_checkpoint_of_either(
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
                signatures = tuple(from_file(self.files[signatures_path(tile)], tile.width))
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


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, as it is written there, with hashlib alone."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = max(2**power for power in range(len(leaves).bit_length()) if 2**power < len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:split]) + mth(leaves[split:])).digest()


def expected_files(size: int) -> dict[str, bytes]:
    """Every file of a log of the first `size` LEAVES, by the definitions of tlog-tiles: tile n of
    level l holds MTH of each run of 256^l leaves."""
    files = {}
    for level in range(3):
        run = 256**level
        hashes = [mth(LEAVES[at : at + run]) for at in range(0, size - run + 1, run)]
        for number in range(0, len(hashes), 256):
            row = hashes[number : number + 256]
            files[_path(f"tile/{level}", number // 256, len(row))] = b"".join(row)
    for number in range(0, size, 256):
        row = LEAVES[number : min(number + 256, size)]
        bundle = b"".join(struct.pack(">H", len(entry)) + entry for entry in row)
        files[_path("tile/entries", number // 256, len(row))] = bundle
        files[_path("signatures", number // 256, len(row))] = b"".join(
            struct.pack(">H", len(signature)) + signature
            for signature in SIGNATURES[number : number + len(row)]
        )
    return files


def _path(folder: str, number: int, width: int) -> str:
    return f"{folder}/{number:03d}" + (f".p/{width}" if width < 256 else "")


SIGNATURES = [
    (b"%d" % number).zfill(LENGTHS[number % len(LENGTHS)]) for number in range(len(LEAVES))
]


def grow_by(tree: Tree, count: int) -> Grown:
    first = tree.edge.size
    leaves = LEAVES[first : first + count]
    return grow(tree, leaves, SIGNATURES[first : first + count], list(map(leaf_hash, leaves)))


@settings(deadline=None, max_examples=examples(25))
@given(st.lists(st.integers(0, 520), min_size=1, max_size=5))
def test_a_log_grown_in_steps_has_the_files_of_the_definition(steps: list[int]) -> None:
    tree, files, discarded = Tree(), dict[str, bytes](), set[str]()
    for step in steps:
        step_ = grow_by(tree, min(step, len(LEAVES) - tree.edge.size))
        tree = step_.tree
        for path, data in step_.files:
            assert files.setdefault(path, data) == data
        discarded |= set(step_.full)
    size = tree.edge.size
    wanted = expected_files(size)
    assert {path: files.get(path) for path in wanted} == wanted
    assert tree.sealed == TreeHead(size, mth(LEAVES[:size]))
    # Of what is left, every partial file is one that the log outgrew: it is the beginning of a
    # full one, or of a wider one of the same number.
    for path in files.keys() - wanted.keys():
        folder, _, _ = path.partition(".p/")
        successors = [wanted[one] for one in wanted if one.partition(".p/")[0] == folder]
        assert [one for one in successors if one.startswith(files[path])], path
    assert discarded <= {path for path in wanted if ".p/" not in path}


@given(st.integers(0, 900), st.integers(0, 600))
def test_the_partial_files_to_discard_are_those_of_the_tiles_that_this_growth_filled(
    before: int, more: int
) -> None:
    grown = grow_by(grow_by(Tree(), before).tree, more)
    had = {path.partition(".p/")[0] for path in expected_partials(before)}
    fuller = {path for path, _ in grown.files if ".p/" not in path}
    assert had & fuller <= set(grown.full) <= fuller
    edge = {"tile/0": before, "tile/entries": before, "signatures": before, "tile/1": before // 256}
    assert set(grown.full) <= {_path(name, count // 256, 256) for name, count in edge.items()}


def expected_partials(size: int) -> list[str]:
    counts = [
        ("tile/0", size),
        ("tile/entries", size),
        ("signatures", size),
        ("tile/1", size // 256),
    ]
    return [_path(folder, count // 256, count % 256) for folder, count in counts if count % 256]


@given(st.integers(0, 70_000_000))
def test_the_edge_is_the_partial_tile_of_each_level_and_the_partial_bundle(size: int) -> None:
    wanted = {ENTRIES: size % 256} | {level: size // 256**level % 256 for level in range(4)}
    assert {tile.level: tile.width for tile in edge_tiles(size)} == {
        level: width for level, width in wanted.items() if width
    }
    for tile in edge_tiles(size):
        assert tile.index == size // 256 ** max(tile.level, 0) // 256


@given(st.integers(1, 600))
def test_the_tails_are_the_last_partial_bundle(size: int) -> None:
    tree = grow_by(Tree(), size).tree
    tail = size % 256
    assert tree.entries == tuple(LEAVES[size - tail : size])
    assert tree.signatures == tuple(SIGNATURES[size - tail : size])


@pytest.mark.parametrize("length", [0, 1, 63, 65, 68, 99, 128, 261, 292, 70_000])
def test_a_signature_of_a_length_that_none_has_is_not_sealed(length: int) -> None:
    with pytest.raises(LogRefused, match=f"cannot be sealed: .* has {length} bytes, as none has"):
        grow(Tree(), [b"leaf"], [bytes(length)], [leaf_hash(b"leaf")])


def test_nothing_grows_of_nothing() -> None:
    tree = grow_by(Tree(), 300).tree
    assert grow_by(tree, 0) == Grown(tree, (), ())
    assert Tree().sealed == TreeHead(0, mth([]))


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(ENTRIES, 0), "signatures/000"),
        (Tile(ENTRIES, 7, 112), "signatures/007.p/112"),
        (Tile(ENTRIES, 1_234_067), "signatures/x001/x234/067"),
    ],
)
def test_signatures_lie_at_the_number_and_width_of_their_bundle(tile: Tile, path: str) -> None:
    assert signatures_path(tile) == path


@pytest.mark.parametrize(
    ("decided", "published", "shown", "remedy"),
    [
        (8, 5, None, "set\nLEDGER_LOG_STORE"),
        (8, 5, 9, "restore a newer backup"),
        (8, 5, 4, "put the\nnewer one back"),
        (8, 5, 6, "two logs, or one that was changed"),
    ],
)
def test_a_refusal_names_the_sizes_and_the_remedy(
    decided: int, published: int, shown: int | None, remedy: str
) -> None:
    head = None if shown is None else TreeHead(shown, b"x")
    with pytest.raises(LogRefused) as refused:
        may_resume(TreeHead(decided, b"8"), TreeHead(published, b"5"), head)
    message = str(refused.value)
    assert all(part in message for part in remedy.split("\n"))
    assert str(published if shown is None else shown) in message


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (
            None,
            "the log store has no checkpoint, but one of 5 leaves was published: put the store "
            "back, or set LEDGER_LOG_STORE to where the log lies",
        ),
        (
            TreeHead(9, b"9"),
            "the published checkpoint has 9 leaves, the database knows of 8: it was restored from "
            "an old backup, or the store is another log's. Going on would fork the log; restore a "
            "newer backup",
        ),
        (
            TreeHead(4, b"4"),
            "the log store shows 4 leaves, 5 were published: it was restored from an old backup; "
            "put the newer one back",
        ),
        (
            TreeHead(5, b"x"),
            "the published checkpoint of 5 leaves has another root than the database's: two logs, "
            "or one that was changed",
        ),
        (
            TreeHead(8, b"x"),
            "the published checkpoint of 8 leaves has another root than the database's: two logs, "
            "or one that was changed",
        ),
    ],
)
def test_a_refusal_says_the_whole_of_it(shown: TreeHead | None, words: str) -> None:
    with pytest.raises(LogRefused) as refused:
        may_resume(TreeHead(8, b"8"), TreeHead(5, b"5"), shown)
    assert str(refused.value) == words
