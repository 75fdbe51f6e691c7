"""The files that a growing log writes: the tiles and bundles of its next leaves, computed from its
right edge alone.

The cost depends on the number of new leaves, not on the size of the log.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from shared.tlog.bundles import encode_bundle
from shared.tlog.encoding import MAX_SIZE
from shared.tlog.errors import TlogError
from shared.tlog.merkle import Frontier, root_of, root_of_peaks
from shared.tlog.tile_proofs import ReadTile
from shared.tlog.tiles import ENTRIES, HEIGHT, WIDTH, Tile, decode_tile, encode_tile


@dataclass(frozen=True, slots=True)
class Edge:
    """The partial tile of each level of a tree, the lowest first; empty where the level fills its
    tiles."""

    size: int = 0
    rows: tuple[tuple[bytes, ...], ...] = ()

    @classmethod
    def load(cls, size: int, read: ReadTile) -> Self:
        """The edge of the tree of this size, from its partial tiles (tlog-tiles, "Partial Tiles").

        Trust it only if its root is that of the log's own checkpoint."""
        if not 0 <= size <= MAX_SIZE:
            raise TlogError("the size is out of range")
        rows: list[tuple[bytes, ...]] = []
        while complete := size >> HEIGHT * (level := len(rows)):
            index, width = divmod(complete, WIDTH)
            rows.append(tuple(decode_tile(read(level, index, width), width)) if width else ())
        return cls(size, tuple(rows))

    @property
    def root(self) -> bytes:
        """The root of the whole tree (RFC 6962 §2.1)."""
        return root_of_peaks(
            [peak for row in reversed(self.rows) for peak in Frontier.of(row).peaks]
        )

    def grow(self, leaf_hashes: Sequence[bytes]) -> "Growth":
        """The edge after these leaves, and each hash tile that is new with them (tlog-tiles,
        "Merkle Tree")."""
        rows, tiles = list(self.rows), list[tuple[Tile, bytes]]()
        arriving, level = list(leaf_hashes), 0
        while arriving:
            if level == len(rows):
                rows.append(())
            row = [*rows[level], *arriving]
            chunks = [row[start : start + WIDTH] for start in range(0, len(row), WIDTH)]
            first = self.size >> HEIGHT * (level + 1)
            tiles += [
                (Tile(level, first + at, len(chunk)), encode_tile(chunk))
                for at, chunk in enumerate(chunks)
            ]
            arriving = [root_of(chunk) for chunk in chunks if len(chunk) == WIDTH]
            rows[level] = tuple(row[len(arriving) * WIDTH :])
            level += 1
        return Growth(Edge(self.size + len(leaf_hashes), tuple(rows)), tuple(tiles))


@dataclass(frozen=True, slots=True)
class Growth:
    """A log that has grown in memory, and the tiles to write before its new root is published."""

    edge: Edge
    tiles: tuple[tuple[Tile, bytes], ...]


def grow_bundles(
    size: int, tail: Sequence[bytes], entries: Iterable[bytes]
) -> list[tuple[Tile, bytes]]:
    """Each entry bundle that is new when entries are added to a tree of this size (tlog-tiles, "Log
    entries").

    `tail` holds the entries of the last, partial bundle."""
    index, width = divmod(size, WIDTH)
    if len(tail) != width:
        raise TlogError(
            f"the last bundle of a tree of {size} leaves holds {width} entries, not {len(tail)}"
        )
    if not (arriving := list(entries)):
        return []
    row = [*tail, *arriving]
    chunks = (row[start : start + WIDTH] for start in range(0, len(row), WIDTH))
    return [
        (Tile(ENTRIES, index + at, len(chunk)), encode_bundle(chunk))
        for at, chunk in enumerate(chunks)
    ]
