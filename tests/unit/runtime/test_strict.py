"""JSON as it is taken: counted before it is built, and one meaning a text."""

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.web.strict import DEPTH, DIGITS, ITEMS, Unreadable, checked

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_json_is_taken_as_it_is(value: Any) -> None:
    data = json.dumps(value).encode()
    assert checked(data) == data


@given(values)
def test_a_byte_order_mark_changes_nothing(value: Any) -> None:
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        expected = checked(data)
    except Unreadable:
        return
    assert checked(b"\xef\xbb\xbf" + data) == expected


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"\xff", "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        ("{}".encode("utf-32-le"), "not JSON"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b'{"a": 1, "a": 1}', 'the key "a" stands twice'),
        (b'{"a": 1, "\\u0061": 2}', 'the key "a" stands twice'),
        (b'[[{"deep": {"b": 1, "b": 2}}]]', 'the key "b" stands twice'),
        (b"9" * (DIGITS + 1), "number"),
        (b'{"n": 1e' + b"9" * DIGITS + b"}", "number"),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), "deep"),
        (b'{"a":' * 957 + b"1" + b"}" * 957, "deep"),
        (b"[" * 1_000_000, "deep"),
        (b"[" + b"0," * ITEMS + b"0]", "too many"),
    ],
)
def test_what_is_not_taken(data: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        checked(data)


def test_the_bounds_are_taken_to_the_last() -> None:
    assert checked(b"[" * DEPTH + b"]" * DEPTH)
    assert checked(b"[" + b"0," * (ITEMS - 1) + b"0]")
    assert checked(b"9" * DIGITS)


def test_what_stands_in_a_text_is_not_counted() -> None:
    text = json.dumps({"text": ',[{"\\' * 20_000, "digits": "9" * 1000}).encode()
    assert checked(text) == text


def test_a_long_key_is_not_repeated_whole() -> None:
    key = json.dumps("k" * 10_000)
    with pytest.raises(Unreadable) as caught:
        checked(f"{{{key}: 1, {key}: 2}}".encode())
    assert len(str(caught.value)) < 200


HOSTILE = {
    "many items": b"[" + b"0," * 2_000_000 + b"0]",
    "many members": b"{" + b'"a":0,' * 700_000 + b'"b":0}',
    "many objects": b"[" + b"{}," * 1_300_000 + b"{}]",
    "deep": b"[" * 4_000_000,
    "quotes": b'"' * 4_000_000,
    "escaped quotes": b'"' + b'\\"' * 2_000_000,
    "backslashes": b"\\" * 4_000_000,
    "one number": b"9" * 4_000_000,
    "blanks": b" " * 4_000_000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_four_megabytes_of_malice_cost_little(data: bytes) -> None:
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(Unreadable):
        checked(data)
    took = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 5
    assert peak < 4 * len(data)
