"""Where only a date is known, the date as it was written is the statement."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.fidelity import as_stated, has_begun
from shared.contract.vocabulary import Fidelity

DATES = (Fidelity.DAY, Fidelity.MONTH, Fidelity.YEAR)
TIMES = (None, Fidelity.HOUR, Fidelity.MINUTE, Fidelity.SECOND)
NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
NO_LEEWAY = timedelta(0)

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(
    datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("9997-01-01"), timezones=zones
)


@given(moments, st.sampled_from(DATES))
def test_no_zone_moves_a_date(written: datetime, fidelity: Fidelity) -> None:
    assert as_stated(written, fidelity).date() == written.date()
    assert as_stated(written, fidelity).utcoffset() == timedelta(0)


@given(moments, st.sampled_from(TIMES))
def test_a_time_of_day_stays_the_same_moment(written: datetime, fidelity: Fidelity | None) -> None:
    assert as_stated(written, fidelity) == written
    assert as_stated(written, fidelity).utcoffset() == timedelta(0)


def test_new_year_in_berlin_is_the_year_that_was_written() -> None:
    written = datetime.fromisoformat("2026-01-01T00:00:00+01:00")
    assert as_stated(written, Fidelity.YEAR).year == 2026
    assert as_stated(written, None).year == 2025


@given(
    st.datetimes(
        datetime.fromisoformat("1971-01-01"),
        datetime.fromisoformat("9997-01-01"),
        timezones=st.just(UTC),
    ),
    zones,
)
def test_today_has_begun_in_every_zone(now: datetime, zone: timezone) -> None:
    for fidelity in DATES:
        today = as_stated(now.astimezone(zone), fidelity)
        assert has_begun(today, fidelity, now, NO_LEEWAY)


@pytest.mark.parametrize(
    ("written", "fidelity", "begun"),
    [
        ("2026-03-03T00:00:00+13:00", Fidelity.DAY, True),
        ("2026-03-04T00:00:00+13:00", Fidelity.DAY, False),
        ("2026-03-31T00:00:00+00:00", Fidelity.MONTH, True),
        ("2026-04-01T00:00:00+00:00", Fidelity.MONTH, False),
        ("2026-12-31T23:59:59-12:00", Fidelity.YEAR, True),
        ("2027-01-01T00:00:00+14:00", Fidelity.YEAR, False),
        ("2026-03-02T20:00:00+00:00", Fidelity.SECOND, True),
        ("2026-03-02T20:00:01+00:00", Fidelity.SECOND, False),
        ("2026-03-02T20:00:01+00:00", None, False),
    ],
)
def test_what_lies_ahead_has_not_begun(written: str, fidelity: Fidelity, begun: bool) -> None:
    stated = as_stated(datetime.fromisoformat(written), fidelity)
    assert has_begun(stated, fidelity, NOW, NO_LEEWAY) is begun


def test_clocks_may_differ() -> None:
    soon = NOW + timedelta(minutes=4)
    assert has_begun(soon, None, NOW, timedelta(minutes=5))
    assert not has_begun(soon, None, NOW, timedelta(minutes=3))


def test_a_leap_day_is_a_date_as_any_other() -> None:
    written = datetime.fromisoformat("2028-02-29T23:30:00-11:00")
    assert as_stated(written, Fidelity.DAY).date() == date(2028, 2, 29)
