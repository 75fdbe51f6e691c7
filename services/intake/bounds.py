"""Where the parts of a batch stand, found and counted before anything of it is built.

A few megabytes of brackets become gigabytes of objects. To count them costs a pass over the bytes
and no object for a value. Each part is then read by itself, within the bounds of `strict`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

ALL_VALUES: Final = 400_000
"""In one request: more than fit into the largest one when each belongs to a report."""

_NEXT: Final = re.compile(
    rb'[^][{},"]*+(?:"(?:[^"\\]++|\\.)*+"[^][{},"]*+)*+([][{},"]|\Z)', re.DOTALL
)
"""Up to the next byte that gives JSON its structure, or to a quotation mark that nothing ends."""
_SAYS_SOMETHING: Final = re.compile(rb"\S[^\n]*+")
_SPACE: Final = b" \t\r\n"
_OPENS: Final = frozenset({b"[", b"{"})
_CLOSES: Final = frozenset({b"]", b"}"})


class TooMany(ValueError):
    """More than one request may hold; the message says of what."""


class NotAnArray(ValueError):
    """The text is no JSON array; the message says where it stops to be one."""


@dataclass(frozen=True, slots=True)
class Line:
    """Where a line that says something stands in a body; its number counts from 1, empty lines
    included."""

    number: int
    start: int
    end: int


def elements(body: bytes, most: int) -> list[slice]:
    """Where each element of a JSON array stands in the body. Raises NotAnArray; TooMany when there
    are more than `most` elements, or more values than a request may hold.

    The elements are not looked into beyond their brackets and strings."""
    start = len(body) - len(body.lstrip(_SPACE))
    if body[start : start + 1] != b"[":
        raise NotAnArray("it does not begin with [")
    found: list[slice] = []
    depth = values = 0
    for token in _structure(body, start):
        byte, values = token[1], values + 1
        if values > ALL_VALUES:
            raise TooMany(f"the request holds more than {ALL_VALUES} values")
        depth += (byte in _OPENS) - (byte in _CLOSES)
        if (byte == b"," and depth == 1) or depth == 0:
            found.append(slice(start + 1, token.start(1)))
            start = token.start(1)
            if len(found) > most:
                raise TooMany(f"these are more than {most} reports")
        if depth == 0 and byte == b"]":
            return _whole(body, found, token.end())
        if depth == 0 or byte == b'"':
            break
    raise NotAnArray("it is not closed by ]")


def lines(body: bytes, most: int) -> list[Line]:
    """Where the lines that say something stand. Raises TooMany when there are more than `most`."""
    found: list[Line] = []
    number, counted = 1, 0
    for said in _SAYS_SOMETHING.finditer(body):
        number += body.count(b"\n", counted, said.start())
        counted = said.start()
        found.append(Line(number, *said.span()))
        if len(found) > most:
            raise TooMany(f"these are more than {most} reports")
    return found


def _structure(text: bytes, start: int) -> Iterator[re.Match[bytes]]:
    """The structural bytes outside of strings; a quotation mark is one when nothing ends it."""
    return (found for found in _NEXT.finditer(text, start) if found[1])


def _whole(body: bytes, found: list[slice], end: int) -> list[slice]:
    if body[end:].strip(_SPACE):
        raise NotAnArray(f"something follows its ] at byte {end}")
    if len(found) == 1 and not body[found[0]].strip(_SPACE):
        return []
    return found
