"""Moments and days as callers send them: RFC 3339 texts, and nothing that could be guessed to be
one."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

_DATE: Final = r"(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME: Final = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"
_OFFSET: Final = r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_MOMENT: Final = rf"^{_DATE}[Tt]{_TIME}{_OFFSET}$"
_DAY: Final = rf"^{_DATE}$"
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value  # of ours: JSON has no such value
    if not isinstance(value, str) or not re.fullmatch(_MOMENT[1:-1], value, re.ASCII):
        raise ValueError(
            "must be a text such as 2026-03-02T09:14:03+01:00: date, time and offset from UTC "
            "(RFC 3339), in the years 1970 to 9998"
        )
    try:
        moment = datetime.fromisoformat(value.upper())
    except ValueError as error:
        raise ValueError(f"is no moment: {error}") from error
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError("must lie in the years 1970 to 9998")
    return moment


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.fullmatch(_DAY[1:-1], value, re.ASCII):
        raise ValueError("must be a text such as 2026-03-02 (RFC 3339), in the years 1970 to 9999")
    return date.fromisoformat(value)


WrittenMoment = Annotated[
    datetime,
    BeforeValidator(_moment, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": _MOMENT}),
]
"""With the offset that it was written with, of any zone. The years leave every zone room to both
sides."""

Moment = Annotated[WrittenMoment, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""The same, in UTC."""

Day = Annotated[
    date,
    BeforeValidator(_day, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "format": "date", "pattern": _DAY}),
]
"""A calendar date."""
