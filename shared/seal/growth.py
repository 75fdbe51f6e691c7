"""How the log's files grow, decided without any I/O: the right edge of the tree, and the tiles,
bundles and signatures that new leaves add, with their paths."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.chain import signatures as signature_files
from shared.tlog.errors import TlogError
from shared.tlog.growth import Edge, grow_bundles
from shared.tlog.merkle import EMPTY_ROOT
from shared.tlog.tiles import ENTRIES, WIDTH, Tile, width_at


class LogRefused(RuntimeError):
    """Sealing on would contradict the published log, or exhaust memory: an operator must look
    first."""


@dataclass(frozen=True, slots=True)
class TreeHead:
    """The size of a tree of the log, in leaves, and its root."""

    size: int = 0
    root: bytes = EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Tree:
    """The right edge of the log, all that is needed to add leaves. `entries` and `signatures` are
    those of the last, partial bundle."""

    edge: Edge = field(default_factory=Edge)
    entries: tuple[bytes, ...] = ()
    signatures: tuple[bytes, ...] = ()

    @property
    def sealed(self) -> TreeHead:
        return TreeHead(self.edge.size, self.edge.root)


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree after more leaves, every file that must be stored before its checkpoint is shown, and
    the files now full, whose partial versions can be discarded once it is."""

    tree: Tree
    files: tuple[tuple[str, bytes], ...]
    full: tuple[str, ...]


def grow(
    tree: Tree, entries: Sequence[bytes], signatures: Sequence[bytes], hashes: Sequence[bytes]
) -> Grown:
    """Adds leaves. The same leaves on the same tree always make the same files.

    Raises LogRefused when a signature has a length that none has."""
    size = tree.edge.size
    growth = tree.edge.grow(hashes)
    bundles = grow_bundles(size, tree.entries, entries)
    all_signatures = [*tree.signatures, *signatures]
    files = [(tile.path, data) for tile, data in (*growth.tiles, *bundles)]
    for at, (tile, _) in enumerate(bundles):
        row = all_signatures[at * WIDTH : at * WIDTH + tile.width]
        files.append((signatures_path(tile), _file_of(row)))
    full = [
        tile.path
        for tile, _ in (*growth.tiles, *bundles)
        if not tile.is_partial and tile.index == _last(tile.level, size)
    ]
    full += [
        signatures_path(tile)
        for tile, _ in bundles
        if not tile.is_partial and tile.index == _last(tile.level, size)
    ]
    tail = (size + len(entries)) % WIDTH
    kept = slice(len(all_signatures) - tail, None)
    after = Tree(growth.edge, tuple([*tree.entries, *entries][kept]), tuple(all_signatures[kept]))
    return Grown(after, tuple(files), tuple(full))


def _last(level: int, size: int) -> int:
    """The index of the one tile of this level that is partial in a tree of this size."""
    return (size >> 8 * max(level, 0)) // WIDTH


def _file_of(signatures: Sequence[bytes]) -> bytes:
    try:
        return signature_files.to_file(signatures)
    except TlogError as error:
        raise LogRefused(f"a leaf cannot be sealed: {error}") from error


def signatures_path(bundle: Tile) -> str:
    """The file with the signatures of a bundle's events: named like the bundle, with its index and
    width."""
    return "signatures/" + bundle.path.removeprefix("tile/entries/")


def edge_tiles(size: int) -> list[Tile]:
    """The partial tiles and the partial entry bundle from which a sealer resumes at this size."""
    tiles = []
    for level in range(ENTRIES, 8):
        index = _last(level, size)
        if width := width_at(level, index, size):
            tiles.append(Tile(level, index, width))
    return tiles


def may_resume(decided: TreeHead, published: TreeHead, shown: TreeHead | None) -> None:
    """Checks that the database and the public log share one history: the log shows the tree that
    the database has published or, after a crash in between, the one it had decided to publish next.
    Raises LogRefused."""
    if shown in (published, decided) or (shown is None and published.size == 0):
        return
    if shown is None:
        raise LogRefused(
            f"the log store has no checkpoint, but one of {published.size} leaves was published: "
            "put the store back, or set LEDGER_LOG_STORE to where the log lies"
        )
    if shown.size > decided.size:
        raise LogRefused(
            f"the published checkpoint has {shown.size} leaves, the database knows of "
            f"{decided.size}: it was restored from an old backup, or the store is another log's. "
            "Going on would fork the log; restore a newer backup"
        )
    if shown.size < published.size:
        raise LogRefused(
            f"the log store shows {shown.size} leaves, {published.size} were published: it was "
            "restored from an old backup; put the newer one back"
        )
    raise LogRefused(
        f"the published checkpoint of {shown.size} leaves has another root than the database's: "
        "two logs, or one that was changed"
    )
