"""The three encodings that all the formats share, read strictly: one value has one spelling, so no
two files mean the same."""

import base64
import re
from typing import Final

from shared.tlog.errors import TlogError

HASH_SIZE: Final = 32
MAX_SIZE: Final = 2**63 - 1
"""Leaves; the largest tree whose proofs fit the 63 lines of tlog-witness."""

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")


def to_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 §4)."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """The inverse of `to_base64`; refuses every spelling that it would not have written (RFC 4648
    §3.5)."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise TlogError("not base64") from error
    if to_base64(data) != text:
        raise TlogError("not canonical base64")
    return data


def hash_from_base64(text: str) -> bytes:
    data = from_base64(text)
    if len(data) != HASH_SIZE:
        raise TlogError(f"a hash has {HASH_SIZE} bytes, not {len(data)}")
    return data


def from_decimal(text: str) -> int:
    """An ASCII decimal without leading zeros, at most `MAX_SIZE` (tlog-checkpoint, "Note text")."""
    if not _DECIMAL.fullmatch(text) or (value := int(text)) > MAX_SIZE:
        raise TlogError("not a decimal number without leading zeros below 2^63")
    return value
