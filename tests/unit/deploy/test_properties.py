"""Java's properties files say exactly what they were given."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.kafka import as_java_reads

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def loaded(text: str) -> dict[str, str]:
    """`java.util.Properties.load`, as its documentation describes it; no comments, no lines that
    go on, which are not written."""
    return dict(_pair(line) for line in text.split("\n") if line)


def _pair(line: str) -> tuple[str, str]:
    at = 0
    while at < len(line) and line[at] not in "=: \t\f":
        at += 2 if line[at] == "\\" else 1
    key, rest = line[:at], line[at:].lstrip(" \t\f")
    if rest[:1] in {"=", ":"}:
        rest = rest[1:]
    return _unescaped(key), _unescaped(rest.lstrip(" \t\f"))


def _unescaped(text: str) -> str:
    units, at = bytearray(), 0
    while at < len(text):
        character = text[at]
        at += 1
        if character == "\\":
            character = text[at]
            at += 1
            if character == "u":
                units += bytes.fromhex(text[at : at + 4])
                at += 4
                continue
            character = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}.get(character, character)
        units += character.encode("utf-16-be")
    return units.decode("utf-16-be")


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=5))
def test_what_is_written_is_what_java_reads(told: Mapping[str, str]) -> None:
    written = as_java_reads(told)
    assert loaded(written) == told
    assert written.isascii()
    assert written.count("\n") == len(told)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("a\\b", "x=a\\\\b"),
        ("CONTROLLER:PLAIN", "x=CONTROLLER\\:PLAIN"),
        (" two", "x=\\ two"),
        ("é", "x=\\u00e9"),
        ("😀", "x=\\ud83d\\ude00"),
        ("a,b", "x=a,b"),
    ],
)
def test_what_java_takes_as_its_own_is_escaped(value: str, line: str) -> None:
    assert as_java_reads({"x": value}) == line + "\n"
