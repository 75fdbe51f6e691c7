"""Cursors: what goes in comes out, and nothing else does."""

import base64
import json
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.decision import Missing
from shared.runtime.say.conflicts import Malformed
from shared.runtime.web.desk import found
from shared.runtime.web.paging import Order, decode_cursor, encode_cursor

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


@given(st.dates())
def test_a_day_comes_out_as_a_day(day: date) -> None:
    assert decode_cursor(encode_cursor(day), date) == (day,)


@pytest.mark.parametrize("total", range(6))
def test_pages_follow_each_other_to_the_end(total: int) -> None:
    order: Order[int] = Order(lambda last: (last,), (int,))
    seen: list[int] = []
    while (page := order.page(list(range(total))[len(seen) :][:3], 2)).next is not None:
        seen += page.items
        assert order.after(page.next) == (seen[-1],)
    assert seen + page.items == list(range(total))


@pytest.mark.parametrize("cursor", [None, ""])
def test_without_a_cursor_the_first_page_is_asked_for(cursor: str | None) -> None:
    order: Order[int] = Order(lambda last: (last,), (int,))
    assert order.after(cursor) is None


def test_a_cursor_of_another_list_is_refused() -> None:
    by_day: Order[date] = Order(lambda day: (day, 1), (date, int))
    by_moment: Order[datetime] = Order(lambda moment: (moment, 1), (datetime, int))
    moment = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert by_day.after(encode_cursor(moment.date(), 1)) == (moment.date(), 1)
    with pytest.raises(Malformed):
        by_day.after(encode_cursor(moment, 1))
    with pytest.raises(Malformed):
        by_moment.after(encode_cursor(moment.date(), 1))


def test_what_is_found_is_handed_on_and_what_is_not_is_named() -> None:
    assert found(0, "incident 7") == 0  # falsy, but there
    with pytest.raises(Missing, match="incident 7"):
        found(None, "incident 7")


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
        (["2026-03-32"], date),
        (["2026-03-02T09:00:00+00:00"], date),
        ([20260302], date),
        (["no uuid"], UUID),
        ([7], UUID),
        ([[]], UUID),
    ],
)
def test_values_of_another_kind_never_reach_a_query(
    value: object, kind: type[str | int | datetime | date | UUID]
) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    with pytest.raises(Malformed):
        decode_cursor(forged, kind)


def test_a_cursor_of_many_brackets() -> None:
    with pytest.raises(Malformed):
        decode_cursor(base64.urlsafe_b64encode(b"[" * 100_000).decode(), int)
