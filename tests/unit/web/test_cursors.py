"""Cursors and page sizes at their bounds, and cursors that somebody bends."""

import base64
import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.runtime.say.conflicts import Malformed
from shared.runtime.web.paging import Cursor, Limit, Order, Page, decode_cursor, encode_cursor

PLACE = (datetime(2026, 3, 2, 9, tzinfo=UTC), UUID(int=7))
REMEDY = "cursor: send the `next` of the page before, unchanged"


def forged(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0, int),
        (-(1 << 63), int),
        ((1 << 63) - 1, int),
        ("", str),
        ("a" * 500, str),
        ("ÿ??>>", str),
        (datetime(1, 1, 3, tzinfo=UTC), datetime),
        (datetime(9999, 12, 29, tzinfo=UTC), datetime),
        (datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=-12))), datetime),
        (date(1, 1, 1), date),
        (date(9999, 12, 31), date),
        (UUID(int=0), UUID),
        (UUID(int=(1 << 128) - 1), UUID),
    ],
)
def test_the_last_value_of_each_kind_is_carried(value: Any, kind: type) -> None:
    cursor = encode_cursor(value)
    assert decode_cursor(cursor, kind) == (value,)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), (
        "a cursor stands in a query as it is"
    )


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1 << 63, int),
        (-(1 << 63) - 1, int),
        ("0001-01-02T23:59:59+00:00", datetime),
        ("9999-12-29T00:00:01+00:00", datetime),
        ("9999-12-31T23:59:59-23:59", datetime),
        ("0001-01-01T00:00:00+23:59", datetime),
        ("2026-02-30", date),
        ("0" * 31, UUID),
    ],
)
def test_the_next_one_is_refused(value: Any, kind: type) -> None:
    with pytest.raises(Malformed) as refused:
        decode_cursor(forged([value]), kind)
    assert str(refused.value) == REMEDY


@pytest.mark.parametrize("padding", ["", "=", "=="])
def test_padding_is_ours_to_add(padding: str) -> None:
    cursor = encode_cursor(1)
    assert decode_cursor(cursor + padding, int) == (1,)


@pytest.mark.parametrize("kinds", [(), (datetime,), (UUID, datetime), (datetime, UUID, int)])
def test_a_cursor_has_the_kinds_of_its_list_in_their_order(kinds: tuple[type, ...]) -> None:
    cursor = encode_cursor(*PLACE)
    assert decode_cursor(cursor, datetime, UUID) == PLACE
    with pytest.raises(Malformed):
        decode_cursor(cursor, *kinds)


@given(st.data())
def test_a_bent_cursor_is_refused_or_another_place(data: st.DataObject) -> None:
    cursor = encode_cursor(*PLACE)
    at = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(st.characters(max_codepoint=0x2FF))
    bent = cursor[:at] + letter + cursor[at + 1 :]
    assume(bent != cursor)
    try:
        moment, incident = decode_cursor(bent, datetime, UUID)
    except Malformed:
        return
    assert isinstance(moment, datetime)
    assert moment.tzinfo is not None
    assert isinstance(incident, UUID)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8))
def test_json_that_is_not_ours_is_refused(value: Any) -> None:
    assume(not (isinstance(value, list) and len(value) == 2))
    with pytest.raises(Malformed):
        decode_cursor(forged(value), datetime, UUID)


@given(
    places=st.lists(st.integers(-1000, 1000), unique=True, max_size=30).map(sorted),
    limit=st.integers(1, 7),
)
def test_pages_are_the_list_cut_once(places: list[int], limit: int) -> None:
    order: Order[int] = Order(lambda item: (item,), (int,))
    seen: list[int] = []
    cursor: str | None = None
    while True:
        after = order.after(cursor)
        rest = [item for item in places if after is None or item > after[0]]
        page: Page[int] = order.page(rest[: limit + 1], limit)
        assert len(page.items) <= limit
        seen += page.items
        if page.next is None:
            break
        assert page.items, "a page before another is never empty"
        cursor = page.next
    assert seen == places


@pytest.mark.parametrize("limit", ["1", "50", "199", "200"])
def test_a_page_may_have_so_many(limit: Any) -> None:
    assert TypeAdapter(Limit).validate_python(limit) == int(limit)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.0", "1e2", " 1", "+1", "", "١", "ten"])
def test_a_page_has_no_other_size(limit: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Limit).validate_python(limit)


def test_a_cursor_of_ours_fits_into_its_parameter() -> None:
    longest = encode_cursor(*PLACE, 1 << 62, "x" * 500)
    assert len(longest) <= 1000
    assert TypeAdapter(Cursor).validate_python(longest) == longest
