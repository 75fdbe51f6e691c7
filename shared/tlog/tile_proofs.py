"""Roots and proofs from tiles (c2sp.org/tlog-tiles), without reading a leaf: a few tiles per level,
each read once.

The tiles are not checked. With tiles from an untrusted source, verify the proof against a signed
root."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from shared.tlog.encoding import MAX_SIZE
from shared.tlog.errors import TlogError
from shared.tlog.merkle import consistency_ranges, inclusion_ranges, root_of, root_of_peaks
from shared.tlog.tiles import HEIGHT, WIDTH, decode_tile, width_at

ReadTile: TypeAlias = Callable[[int, int, int], bytes]
"""(level, index, width) to the bytes of that hash tile. A reader that finds only the full tile,
because the partial one has been deleted, gives its first width * 32 bytes (tlog-tiles, "Partial
Tiles")."""


def root_from_tiles(size: int, read: ReadTile) -> bytes:
    """The root of the first `size` leaves (RFC 6962 §2.1)."""
    if not 0 <= size <= MAX_SIZE:
        raise TlogError("the size is out of range")
    return _Tree(size, read).root_of_range(0, size)


def inclusion_from_tiles(index: int, size: int, read: ReadTile) -> list[bytes]:
    """The inclusion proof of leaf `index` in the tree of the first `size` leaves (RFC 6962
    §2.1.1)."""
    tree = _Tree(size, read)
    return [tree.root_of_range(start, end) for start, end in inclusion_ranges(index, size)]


def consistency_from_tiles(old_size: int, new_size: int, read: ReadTile) -> list[bytes]:
    """The consistency proof between two sizes, from tiles of the tree of `new_size` leaves (RFC
    6962 §2.1.2)."""
    tree = _Tree(new_size, read)
    return [tree.root_of_range(start, end) for start, end in consistency_ranges(old_size, new_size)]


@dataclass(frozen=True, slots=True)
class _Tree:
    size: int
    read: ReadTile
    tiles: dict[tuple[int, int], list[bytes]] = field(default_factory=dict)

    def root_of_range(self, start: int, end: int) -> bytes:
        """`start` is a multiple of the largest power of two that the range holds, as in every
        proof."""
        peaks: list[bytes] = []
        while start < end:
            height = (end - start).bit_length() - 1
            peaks.append(self.subtree(height, start >> height))
            start += 1 << height
        return root_of_peaks(peaks)

    def subtree(self, height: int, number: int) -> bytes:
        """The root of the perfect subtree of 2^height leaves with this index among those of its
        size."""
        level, below = divmod(height, HEIGHT)
        index, offset = divmod(number << below, WIDTH)
        return root_of(self.tile(level, index)[offset : offset + (1 << below)])

    def tile(self, level: int, index: int) -> list[bytes]:
        if (level, index) not in self.tiles:
            width = width_at(level, index, self.size)
            self.tiles[level, index] = decode_tile(self.read(level, index, width), width)
        return self.tiles[level, index]
