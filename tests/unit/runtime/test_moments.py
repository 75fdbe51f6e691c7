"""Moments and days as callers write them."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from shared.runtime.web.moments import Day, Moment, WrittenMoment

MOMENT, WRITTEN, DAY = TypeAdapter(Moment), TypeAdapter(WrittenMoment), TypeAdapter(Day)

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(
    datetime.fromisoformat("1970-01-02"), datetime.fromisoformat("9998-12-30"), timezones=zones
)

NO_MOMENT = {
    "a number": 1772438400,
    "a number as a text": "1772438400",
    "a date": "2026-03-02",
    "no offset": "2026-03-02T09:14:03",
    "no seconds": "2026-03-02T09:14Z",
    "a space": "2026-03-02 09:14:03Z",
    "around it": " 2026-03-02T09:14:03Z",
    "after it": "2026-03-02T09:14:03Z\n",
    "without separators": "20260302T091403Z",
    "a week": "2026-W10-1T09:14:03Z",
    "a zone's name": "2026-03-02T09:14:03[Europe/Berlin]",
    "an offset without minutes": "2026-03-02T09:14:03+01",
    "no such month": "2026-13-02T09:14:03Z",
    "no such day": "2026-02-30T09:14:03Z",
    "no such hour": "2026-03-02T24:00:00Z",
    "a leap second": "2016-12-31T23:59:60Z",
    "other digits": "２０２６-03-02T09:14:03Z",
    "before 1970": "1969-12-31T23:59:59Z",
    "before 1970 in UTC": "1970-01-01T00:00:00+01:00",
    "the last year": "9999-01-01T00:00:00Z",
    "the last year in UTC": "9998-12-31T23:59:59-01:00",
    "nothing": "",
    "null": None,
    "a flag": True,
}


@pytest.mark.parametrize("value", NO_MOMENT.values(), ids=NO_MOMENT)
@pytest.mark.parametrize("adapter", [MOMENT, WRITTEN])
def test_what_is_no_moment(adapter: TypeAdapter[datetime], value: Any) -> None:
    with pytest.raises(ValidationError, match=r"RFC 3339|must lie|no moment"):
        adapter.validate_python(value)


@given(moments)
def test_a_moment_is_given_in_utc(moment: datetime) -> None:
    given_ = MOMENT.validate_python(moment.isoformat())
    assert given_ == moment
    assert given_.utcoffset() == timedelta(0)


@given(moments)
def test_a_written_moment_keeps_its_offset(moment: datetime) -> None:
    assert WRITTEN.validate_python(moment.isoformat()).isoformat() == moment.isoformat()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02t09:14:03z", datetime(2026, 3, 2, 9, 14, 3, tzinfo=UTC)),
        ("2026-03-02T09:14:03.5Z", datetime(2026, 3, 2, 9, 14, 3, 500_000, tzinfo=UTC)),
        ("2026-03-02T09:14:03.123456789Z", datetime(2026, 3, 2, 9, 14, 3, 123_456, tzinfo=UTC)),
        ("2026-03-02T09:14:03-00:00", datetime(2026, 3, 2, 9, 14, 3, tzinfo=UTC)),
        ("2028-02-29T23:59:59+23:59", datetime(2028, 2, 29, 0, 0, 59, tzinfo=UTC)),
    ],
)
def test_what_rfc_3339_writes(text: str, moment: datetime) -> None:
    assert MOMENT.validate_python(text) == moment
    assert Draft202012Validator(MOMENT.json_schema()).is_valid(text)


@given(st.dates(date(1970, 1, 1)))
def test_a_day_is_itself(day: date) -> None:
    assert DAY.validate_python(day.isoformat()) == day


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30",
        "2026-3-2",
        "20260302",
        "2026-03-02T00:00:00Z",
        "1969-12-31",
        "",
        20260302,
        None,
    ],
)
def test_what_is_no_day(value: Any) -> None:
    with pytest.raises(ValidationError):
        DAY.validate_python(value)
