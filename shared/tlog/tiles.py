"""Tiles (c2sp.org/tlog-tiles): the path and width of each, and the hashes in it.

A tile of level L holds up to 256 roots of perfect subtrees of 256^L leaves each. An entry bundle
has the index and width of a tile of level 0, and is represented as a tile of level `ENTRIES`; its
contents are in `bundles`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from shared.tlog.encoding import HASH_SIZE, MAX_SIZE
from shared.tlog.errors import TlogError

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
ENTRIES: Final = -1
MAX_LEVEL: Final = 63

_PATH: Final = re.compile(
    r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """The position and width of one tile; `width` is 256 for a full one (tlog-tiles, "Merkle
    Tree")."""

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if not (ENTRIES <= self.level <= MAX_LEVEL and 1 <= self.width <= WIDTH):
            raise TlogError("a tile has a level from 0 to 63 and a width from 1 to 256")
        if not 0 <= self.index <= MAX_SIZE >> HEIGHT:
            raise TlogError("the index of a tile is out of range")

    @property
    def is_partial(self) -> bool:
        return self.width < WIDTH

    @property
    def full(self) -> "Tile":
        """The tile that replaces a partial one once the tree has grown (tlog-tiles, "Partial
        Tiles")."""
        return Tile(self.level, self.index)

    @property
    def path(self) -> str:
        """Below the log's prefix, e.g. `tile/0/x001/x234/067.p/8` (tlog-tiles, "Merkle Tree" and
        "Log entries")."""
        *upper, last = _groups(self.index)
        level = "entries" if self.level == ENTRIES else str(self.level)
        suffix = f".p/{self.width}" if self.is_partial else ""
        return "/".join(["tile", level, *(f"x{group}" for group in upper), last]) + suffix

    @classmethod
    def parse(cls, path: str) -> Self:
        """Reads a path; refuses every spelling but that of `path` (tlog-tiles, "Merkle Tree")."""
        if not (match := _PATH.fullmatch(path)):
            raise TlogError("not the path of a tile")
        level, index, width = match.groups()
        tile = cls(
            ENTRIES if level == "entries" else int(level),
            int(index.replace("/", "").replace("x", "")),
            WIDTH if width is None else int(width),
        )
        if tile.path != path:
            raise TlogError("not the canonical path of a tile")
        return tile


def _groups(index: int) -> list[str]:
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"{index % 1000:03d}")
    return groups[::-1]


def width_at(level: int, index: int, size: int) -> int:
    """Hashes that tile `index` of this level has in a tree of this size; 0 if it has none
    (tlog-tiles, "Partial Tiles")."""
    complete = size >> HEIGHT * max(level, 0)
    return min(WIDTH, max(0, complete - index * WIDTH))


def tiles_of_growth(old_size: int, new_size: int) -> Iterator[Tile]:
    """Every hash tile of the new tree that the old one lacked, level by level (tlog-tiles, "Merkle
    Tree").

    A sealer writes them before it publishes the new checkpoint."""
    for level in range(MAX_LEVEL + 1):
        if old_size >> HEIGHT * level == new_size >> HEIGHT * level:
            return
        yield from _level_growth(level, old_size, new_size)


def bundles_of_growth(old_size: int, new_size: int) -> Iterator[Tile]:
    """Every entry bundle of the new tree that the old one lacked (tlog-tiles, "Log entries")."""
    return _level_growth(ENTRIES, old_size, new_size)


def _level_growth(level: int, old_size: int, new_size: int) -> Iterator[Tile]:
    old, new = (size >> HEIGHT * max(level, 0) for size in (old_size, new_size))
    if old < new:
        for index in range(old // WIDTH, (new - 1) // WIDTH + 1):
            yield Tile(level, index, width_at(level, index, new_size))


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """The hashes, one after the other (tlog-tiles, "Merkle Tree")."""
    if not 1 <= len(hashes) <= WIDTH or set(map(len, hashes)) != {HASH_SIZE}:
        raise TlogError("a tile holds 1 to 256 hashes of 32 bytes")
    return b"".join(hashes)


def decode_tile(data: bytes, width: int) -> list[bytes]:
    """The hashes of a tile of this width (tlog-tiles, "Merkle Tree" and "Partial Tiles")."""
    if not 1 <= width <= WIDTH or len(data) != width * HASH_SIZE:
        raise TlogError(f"a tile of width {width} has {width * HASH_SIZE} bytes, not {len(data)}")
    return [data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE)]
