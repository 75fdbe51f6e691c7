"""A moment that is known to the day, month or year is the calendar date as it was written: no
conversion between zones moves it."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from shared.contract.vocabulary import Fidelity

FARTHEST_EAST: Final = timedelta(hours=14)
"""The offset of the zone in which a day begins first."""

_DATES: Final = frozenset({Fidelity.DAY, Fidelity.MONTH, Fidelity.YEAR})


def as_stated(written: datetime, fidelity: Fidelity | None) -> datetime:
    """What is kept of a moment with an offset, in UTC: the same moment, or the same calendar date
    and time of day where only the date is known."""
    if fidelity in _DATES:
        return written.replace(tzinfo=UTC)
    return written.astimezone(UTC)


def has_begun(
    stated: datetime, fidelity: Fidelity | None, now: datetime, clocks_differ: timedelta
) -> bool:
    """Whether what was stated is no later than now, anywhere in the world where only a date is
    known."""
    if fidelity not in _DATES:
        return stated <= now + clocks_differ
    latest = (now + clocks_differ + FARTHEST_EAST).astimezone(UTC).date()
    return _first_day(stated.date(), fidelity) <= latest


def _first_day(day: date, fidelity: Fidelity | None) -> date:
    match fidelity:
        case Fidelity.YEAR:
            return day.replace(month=1, day=1)
        case Fidelity.MONTH:
            return day.replace(day=1)
        case _:
            return day
