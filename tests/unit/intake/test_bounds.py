"""JSON is counted before it is built: where the parts of a batch stand, and when there are too
many."""

import contextlib
import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake import bounds

MOST = 10_000
MIB = 1024 * 1024

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.just('[{"\\,')
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


class TestElements:
    @given(st.lists(values, max_size=8), st.sampled_from([None, 1]), st.booleans())
    def test_are_those_that_a_parser_finds(
        self, array: list[Any], indent: int | None, ascii_: bool
    ) -> None:
        text = json.dumps(array, indent=indent, ensure_ascii=ascii_)
        body = f" \r\n{text}\t\n".encode("utf-8", "surrogatepass")
        found = [
            json.loads(body[element].decode("utf-8", "surrogatepass"))
            for element in bounds.elements(body, MOST)
        ]
        assert json.dumps(found) == json.dumps(array)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{}",
            b"7",
            b"[",
            b"[1",
            b"[[1]",
            b'["]',
            b'["\\"]',
            b"[1}",
            b"[1]]",
            b"[1] x",
            b"\xef\xbb\xbf[",
            b"[" * 100_000,
        ],
    )
    def test_are_not_found_in_what_is_no_array(self, body: bytes) -> None:
        with pytest.raises(bounds.NotAnArray):
            bounds.elements(body, MOST)

    @given(st.binary(max_size=100))
    def test_are_found_in_any_bytes_or_refused(self, noise: bytes) -> None:
        try:
            found = bounds.elements(b"[" + noise, 5)
        except (bounds.NotAnArray, bounds.TooMany):
            return
        assert all(0 < one.start <= one.stop <= len(noise) for one in found)

    def test_may_be_none(self) -> None:
        assert bounds.elements(b" [ ] ", MOST) == []

    def test_that_are_empty_are_elements_for_the_parser_to_refuse(self) -> None:
        body = b"[1,,]"
        assert [body[one] for one in bounds.elements(body, MOST)] == [b"1", b"", b""]

    def test_are_as_many_as_may_come_and_no_more(self) -> None:
        assert len(bounds.elements(b"[1,2,3]", 3)) == 3
        with pytest.raises(bounds.TooMany, match="3 reports"):
            bounds.elements(b"[1,2,3,4]", 3)


class TestLines:
    @given(st.lists(st.sampled_from([b"", b" ", b"{}", b"{} ", b"7", b"\t[1]"]), max_size=20))
    def test_are_those_that_say_something_with_their_numbers(self, lines: list[bytes]) -> None:
        body = b"\n".join(lines)
        found = [(line.number, body[line.start : line.end]) for line in bounds.lines(body, MOST)]
        assert found == [
            (number, line.lstrip()) for number, line in enumerate(lines, 1) if line.strip()
        ]

    def test_are_as_many_as_may_come_and_no_more(self) -> None:
        assert len(bounds.lines(b"1\n\n2\n3", 3)) == 3
        with pytest.raises(bounds.TooMany, match="3 reports"):
            bounds.lines(b"1\n2\n3\n4\n", 3)


def filled(unit: bytes, size: int, before: bytes = b"", after: bytes = b"") -> bytes:
    return before + unit * ((size - len(before) - len(after)) // len(unit)) + after


WORST = {
    "items": filled(b"0,", 4 * MIB, b"[", b"0]"),
    "items within one": filled(b"0,", 4 * MIB, b"[[", b"0]]"),
    "objects within one": filled(b"{},", 4 * MIB, b"[[", b"0]]"),
    "texts within one": filled(b'"",', 4 * MIB, b"[[", b"0]]"),
    "depth": b"[" * (4 * MIB),
    "depth of objects": filled(b'{"":', 4 * MIB, b"["),
    "escapes": filled(b'\\"', 4 * MIB, b'["', b'"]'),
    "escapes without an end": filled(b'\\"', 4 * MIB, b'["', b"]"),
    "quotes": filled(b'"', 4 * MIB, b"[", b"]"),
    "blanks": filled(b" ", 4 * MIB, b"[", b"]"),
}


@pytest.mark.parametrize("body", WORST.values(), ids=WORST)
@pytest.mark.slow
def test_the_worst_batch_costs_little_to_count(body: bytes) -> None:
    """Of a batch that took 8 to 21 seconds and 1.5 GB when it was built first."""
    seconds, peak = _cost(bounds.elements, body)
    assert seconds < 2
    assert peak < 8 * MIB


@pytest.mark.parametrize("unit", [b"\n", b"7\n", b" \n", b"7", b"\r"], ids=repr)
def test_the_worst_lines_cost_little_to_count(unit: bytes) -> None:
    seconds, peak = _cost(bounds.lines, filled(unit, 16 * MIB))
    assert seconds < 2
    assert peak < 8 * MIB


def _cost(count: Any, body: bytes) -> tuple[float, int]:
    """Seconds of this process, and the most bytes that were held beside the body."""
    started = time.process_time()
    _count(count, body)
    seconds = time.process_time() - started
    tracemalloc.start()
    try:
        _count(count, body)
        return seconds, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _count(count: Any, body: bytes) -> None:
    with contextlib.suppress(bounds.NotAnArray, bounds.TooMany):
        count(body, MOST)
