"""A search that finds nothing proves something only if it would find it."""

import base64
import json
from collections.abc import Callable

import pytest

from tests.searching import found

WORD = "Zoë's “zebra”"
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "base64": base64.b64encode,
    "base64url": base64.urlsafe_b64encode,
    "base64url without padding": lambda data: base64.urlsafe_b64encode(data).rstrip(b"="),
    "hex": lambda data: data.hex().encode(),
    "HEX": lambda data: data.hex().upper().encode(),
}


@pytest.mark.parametrize("outer", ENCODINGS)
@pytest.mark.parametrize("inner", ENCODINGS)
@pytest.mark.parametrize("before", [b"", b"x", b"xy ", b"\x00\xff-a"])
def test_a_word_is_found_behind_every_two_encodings(outer: str, inner: str, before: bytes) -> None:
    told = json.dumps(["salt", "text", WORD]).encode()
    data = before + ENCODINGS[outer](b"\x01[" + ENCODINGS[inner](told) + b"]") + b"\x00 end"
    assert found({WORD, "oak"}, data) == {WORD}


@pytest.mark.parametrize("escape", [json.dumps, lambda text: json.dumps(json.dumps(text))])
def test_a_word_is_found_as_json_escapes_it(escape: Callable[[str], str]) -> None:
    assert found({WORD}, escape(WORD).encode()) == {WORD}


def test_the_case_does_not_matter() -> None:
    assert found({"Zebra"}, b"a ZEBRA") == {"Zebra"}


@pytest.mark.parametrize("data", [b"", b"zebr a", b"abcdefgh" * 100, bytes(range(256)) * 10])
def test_what_is_not_there_is_not_found(data: bytes) -> None:
    assert found({"zebra", WORD}, data) == set()
