"""Looks for words in files of any kind, as somebody would who wants to find them: also behind
base64, hex and the escapes of JSON, and behind several of these at once."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

DEPTH: Final = 2
"""Encodings that may lie one over the other: a text is base64url in an envelope that a dump shows
as hex."""
_BASE64: Final = re.compile(rb"[A-Za-z0-9_+/-]{8,}")
_HEX: Final = re.compile(rb"[0-9a-fA-F]{8,}")
_OF_URLS: Final = bytes.maketrans(b"-_", b"+/")


def found(words: Iterable[str], data: bytes) -> set[str]:
    """Those of these words that stand in the data, in whatever case."""
    left = {word: [form.lower() for form in _forms(word)] for word in words}
    there: set[str] = set()
    for layer in _layers(data, DEPTH):
        lower = layer.lower()
        hits = {word for word, forms in left.items() if any(form in lower for form in forms)}
        there |= hits
        left = {word: forms for word, forms in left.items() if word not in hits}
    return there


def _forms(word: str) -> set[bytes]:
    escaped = json.dumps(word)[1:-1]
    return {word.encode(), escaped.encode(), json.dumps(escaped)[1:-1].encode()}


def _layers(data: bytes, depth: int) -> Iterator[bytes]:
    yield data
    if depth:
        for inner in (_out_of_base64(data), _out_of_hex(data)):
            if inner.strip(b"\n"):
                yield from _layers(inner, depth - 1)


def _out_of_base64(data: bytes) -> bytes:
    """Nobody knows where in a run of letters base64 begins: at each of four places."""
    runs = [found.group().translate(_OF_URLS) for found in _BASE64.finditer(data)]
    return b"\n".join(
        base64.b64decode(run[first : first + (len(run) - first) // 4 * 4])
        + _rest(run[first + (len(run) - first) // 4 * 4 :])
        for run in runs
        for first in range(4)
    )


def _rest(end: bytes) -> bytes:
    return base64.b64decode(end + b"=" * (4 - len(end))) if len(end) > 1 else b""


def _out_of_hex(data: bytes) -> bytes:
    runs = [found.group().decode() for found in _HEX.finditer(data)]
    return b"\n".join(
        bytes.fromhex(run[first : first + (len(run) - first) // 2 * 2])
        for run in runs
        for first in range(2)
    )
