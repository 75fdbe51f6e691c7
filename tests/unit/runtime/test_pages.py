"""Cursors: what goes in comes out, and nothing else does."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.say.conflicts import Malformed
from shared.runtime.web.paging import Page, decode_cursor, encode_cursor

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=50)
NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)
TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))


@given(TEXTS, NUMBERS, TIMES, st.uuids())
def test_what_goes_in_comes_out(text: str, number: int, time: datetime, id_: UUID) -> None:
    assert decode_cursor(encode_cursor(text, number, time, id_), str, int, datetime, UUID) == (
        text,
        number,
        time,
        id_,
    )


@pytest.mark.parametrize("found", range(6))
def test_pages_follow_each_other_to_the_end(found: int) -> None:
    seen: list[int] = []
    while (
        page := Page.of(list(range(found))[len(seen) :][:3], 2, lambda last: (last,))
    ).next is not None:
        seen += page.items
        assert decode_cursor(page.next, int) == (seen[-1],)
    assert seen + page.items == list(range(found))


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="send the `next` of the page before"):
        decode_cursor(text, int)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([], int),
        ([1, 2], int),
        (["1"], int),
        ([True], int),
        ([1.0], int),
        ([None], int),
        ([1 << 63], int),
        ({"0": 1}, int),
        (7, int),
        (None, int),
        ([7], str),
        (["a\x00b"], str),
        (["\ud800"], str),
        (["yesterday"], datetime),
        (["2026-03-02T09:00:00"], datetime),
        ([20260302], datetime),
        (["no uuid"], UUID),
        ([7], UUID),
        ([[]], UUID),
    ],
)
def test_values_of_another_kind_never_reach_a_query(
    value: object, kind: type[str | int | datetime | UUID]
) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    with pytest.raises(Malformed):
        decode_cursor(forged, kind)


def test_a_cursor_of_many_brackets() -> None:
    with pytest.raises(Malformed):
        decode_cursor(base64.urlsafe_b64encode(b"[" * 100_000).decode(), int)
