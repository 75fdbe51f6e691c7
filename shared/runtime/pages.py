"""Pages of a list: an opaque cursor says where the next one begins."""

import base64
import binascii
import json
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from shared.runtime.answers import Malformed

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=200, description="How many items a page has at most.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="The `next` of the page before; leave out for the first.")
]


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: str | None = Field(default=None, description="Send as `cursor` for the next page; null on the last.")


def encode_cursor(*values: Any) -> str:
    """A cursor that carries JSON values; others are sent as text."""
    return base64.urlsafe_b64encode(json.dumps(values, default=str).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, count: int) -> list[Any]:
    """The values of a cursor. Raises Malformed when it is not one of ours."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise Malformed("cursor: send the `next` of the page before, unchanged") from error
    if not isinstance(values, list) or len(values) != count:
        raise Malformed("cursor: send the `next` of the page before, unchanged")
    return values
