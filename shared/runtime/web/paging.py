"""Pages of a list: an opaque cursor says where the next one begins."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BeforeValidator, Field

from shared.runtime.process.database import Connection
from shared.runtime.say.conflicts import Malformed
from shared.runtime.web.bodies import whole_number
from shared.runtime.web.persons.shown import Peopled

T = TypeVar("T")
W = TypeVar("W")
Value: TypeAlias = str | int | datetime | date | UUID
View: TypeAlias = Callable[[Connection, W, int, Any], Awaitable[Sequence[T]]]
"""A list that can be queried: by a filter, for so many items, after the place of the last one seen
(None for the first page)."""

_EARLIEST: Final = datetime(1, 1, 3, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 29, tzinfo=UTC)
"""A day and more from the edges of the calendar, whatever the zone."""

_Bounded = Annotated[int, Field(ge=1, le=200)]
Limit = Annotated[
    _Bounded,
    BeforeValidator(whole_number, json_schema_input_type=_Bounded),
    Query(description="How many items a page has at most."),
]
"""Its bounds are written to the document only where the input's type states them."""
Cursor = Annotated[
    str | None,
    Query(max_length=1000, description="The `next` of the page before; leave out for the first."),
]


class Page(Peopled, Generic[T]):
    items: list[T]
    next: str | None = Field(
        default=None, description="Send as `cursor` for the next page; null on the last."
    )


@dataclass(frozen=True, slots=True)
class Order(Generic[T]):
    """What a list is sorted by: the values that a cursor carries, and their kinds."""

    place: Callable[[T], tuple[Value, ...]]
    kinds: tuple[type[Value], ...]

    def after(self, cursor: str | None) -> tuple[Any, ...] | None:
        """The place that the page begins after; None for the first page. Raises Malformed."""
        return decode_cursor(cursor, *self.kinds) if cursor else None

    def page(self, found: Sequence[T], limit: int) -> Page[T]:
        """The first `limit` items found; one more than that means that another page follows, which
        begins after the last item's place."""
        items = list(found[:limit])
        more = len(found) > limit
        return Page(items=items, next=encode_cursor(*self.place(items[-1])) if more else None)


def encode_cursor(*values: Value) -> str:
    """A cursor that carries the values which the next page begins after."""
    plain = [value.isoformat() if isinstance(value, date) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain, default=str).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type[Value]) -> tuple[Any, ...]:
    """The values of a cursor, each of its kind: `after, incident = decode_cursor(cursor, datetime,
    UUID)`.

    Raises Malformed when it is not one of ours; whatever comes out is fit for a query."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return tuple(_READ[kind](value) for kind, value in zip(kinds, values, strict=True))
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Malformed("cursor: send the `next` of the page before, unchanged") from error


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("not a text that a database has")
    value.encode()  # raises a ValueError on half of a surrogate pair
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
        raise ValueError("not a number that a database has")
    return value


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError("has no offset")
    if not _EARLIEST <= time <= _LATEST:
        raise ValueError("not a time that a driver can turn into another zone's")
    return time


_READ: Final[Mapping[type, Callable[[Any], Any]]] = {
    str: _text,
    int: _number,
    datetime: _time,
    date: date.fromisoformat,
    UUID: UUID,
}
