"""JSON as callers send it, read strictly: counted before anything is built, no key twice, no number
that JSON does not have.

A byte order mark in front is passed over, on every route alike (RFC 8259 §8.1)."""

import codecs
import json
import re
from typing import Any, Final, NoReturn

ITEMS: Final = 2000
"""Members and elements of a body, where its reader sets no bound of its own."""
DEPTH: Final = 32
"""Objects and arrays within each other."""
DIGITS: Final = 64
"""Characters of a number."""

_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]|[0-9.eE+-]++', re.DOTALL)
"""A text, also one that never ends; a bracket or comma; a number. Nothing is looked at twice,
whatever is sent."""
_LONG_NUMBER: Final = re.compile(rb"[0-9.eE+-]{%d}" % (DIGITS + 1))
"""Or a word in a text that looks like one."""
_SHOWN: Final = 60
"""Characters of a caller's key that a message repeats."""


class Unreadable(ValueError):
    """The text is not JSON as it is taken here; the message says why and what to send."""


def checked(data: bytes, *, items: int = ITEMS, depth: int = DEPTH) -> bytes:
    """The JSON text without its byte order mark, fit for a parser. Raises Unreadable.

    Costs time in proportion to the length of the data at most, and memory of about its size."""
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8: the byte at {error.start}") from error
    _count(data, items, depth)
    try:
        json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
    except RecursionError as error:
        raise Unreadable(_too_deep(depth)) from error
    except json.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error.msg} at character {error.pos}") from error
    return data


def _count(data: bytes, items: int, depth: int) -> None:
    """Goes through the tokens as far as the bounds reach. JSON within them has two texts, a number
    and a closing bracket for each item at most."""
    if _is_small(data, items, depth):
        return
    counted = opened = 0
    for number, token in enumerate(_TOKEN.finditer(data)):
        match data[token.start()]:
            case 0x5B | 0x7B:
                counted, opened = counted + 1, opened + 1
            case 0x5D | 0x7D:
                opened -= 1
            case 0x2C:
                counted += 1
            case 0x22:
                pass
            case _ if token.end() - token.start() > DIGITS:
                raise Unreadable(f"a number may have {DIGITS} characters")
        if counted > items or number > 5 * items + 2:
            raise Unreadable(f"these are too many items; send at most {items} in one body")
        if opened > depth:
            raise Unreadable(_too_deep(depth))


def _is_small(data: bytes, items: int, depth: int) -> bool:
    """Whether it cannot be over a bound, because an item has two bytes and a level a bracket: most
    bodies are so short that to count would cost more than to read."""
    return (
        len(data) <= 2 * items
        and data.count(b"{") + data.count(b"[") <= depth
        and _LONG_NUMBER.search(data) is None
    )


def _too_deep(depth: int) -> str:
    return f"objects and arrays may lie {depth} deep within each other"


def _each_once(members: list[tuple[str, Any]]) -> None:
    """Builds nothing: whoever reads the text next does."""
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise Unreadable(f"the key {shortened(name)} stands twice in one object; send it once")
        seen.add(name)


def _no_number(name: str) -> NoReturn:
    raise Unreadable(f"{name} is a number that JSON does not have")


def shortened(name: str) -> str:
    """A caller's key, fit for a message."""
    return json.dumps(name[:_SHOWN] + ("…" if len(name) > _SHOWN else ""))
