"""Pages of a list: an opaque cursor says where the next one begins."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from shared.runtime.say.conflicts import Malformed
from shared.runtime.web.bodies import Number

T = TypeVar("T")
Value: TypeAlias = str | int | datetime | UUID

_EARLIEST: Final = datetime(1, 1, 3, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 29, tzinfo=UTC)
"""A day and more from the edges of the calendar, whatever the zone."""

Limit = Annotated[Number, Query(ge=1, le=200, description="How many items a page has at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=1000, description="The `next` of the page before; leave out for the first."),
]


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: str | None = Field(
        default=None, description="Send as `cursor` for the next page; null on the last."
    )

    @classmethod
    def of(
        cls, found: Sequence[T], limit: int, place: Callable[[T], tuple[Value, ...]]
    ) -> "Page[T]":
        """The first `limit` of what was found; one more than that tells of a next page, which
        begins after the last one's place."""
        items = list(found[:limit])
        return cls(
            items=items, next=encode_cursor(*place(items[-1])) if len(found) > limit else None
        )


def encode_cursor(*values: Value) -> str:
    """A cursor that carries the values which the next page begins after."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
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
    UUID: UUID,
}
