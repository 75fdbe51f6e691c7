"""Which characters show something, by their Unicode properties (UAX #44)."""

import functools
import unicodedata
from collections.abc import Iterator
from typing import Final

_SHOW_NOTHING: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs"})
"""General categories: separators, controls, formats, halves of surrogate pairs."""

_IGNORABLE: Final = (
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
"""The property Default_Ignorable_Code_Point, which Python's tables leave out: no font draws
these, assigned or not."""

_BLANK: Final = frozenset({0x2800, 0xFFFC, 0x13441, 0x13442, 0x16FE4, 0x1D159})
"""Symbols and letters whose glyph is empty: the braille pattern without dots, fillers, blanks."""


def shows(character: str) -> bool:
    """Whether a reader sees anything where this character stands."""
    if unicodedata.category(character) in _SHOW_NOTHING:
        return False
    point = ord(character)
    if point in _BLANK or point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF:
        return False
    return not any(first <= point <= last for first, last in _IGNORABLE)


def has_visible(text: str) -> bool:
    """Whether anything of the text can be seen."""
    return any(map(shows, text))


@functools.cache
def invisible_ranges() -> tuple[tuple[int, int], ...]:
    """All code points that show nothing, surrogates left out, as first and last of each range."""
    return tuple(_ranges())


def _ranges() -> Iterator[tuple[int, int]]:
    first: int | None = None
    for point in range(0x110000):
        if not 0xD800 <= point <= 0xDFFF and not shows(chr(point)):
            first = point if first is None else first
        elif first is not None:
            yield first, point - 1
            first = None
    if first is not None:
        yield first, 0x10FFFF
