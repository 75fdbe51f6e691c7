"""Entry bundles (c2sp.org/tlog-tiles, "Log entries"): the leaves themselves, 256 to a file."""

from collections.abc import Sequence
from typing import Final

from shared.tlog.errors import TlogError
from shared.tlog.merkle import leaf_hash
from shared.tlog.tiles import WIDTH

MAX_ENTRY: Final = 2**16 - 1
"""Bytes; a longer entry has no length prefix."""


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Each entry behind its length as big-endian uint16 (tlog-tiles, "Log entries")."""
    if not 1 <= len(entries) <= WIDTH:
        raise TlogError("a bundle holds 1 to 256 entries")
    if (longest := max(map(len, entries))) > MAX_ENTRY:
        raise TlogError(f"an entry has at most {MAX_ENTRY} bytes, not {longest}")
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle of this width (tlog-tiles, "Log entries")."""
    if not 1 <= width <= WIDTH:
        raise TlogError("a bundle holds 1 to 256 entries")
    entries: list[bytes] = []
    end = 0
    try:
        for _ in range(width):
            start = end + 2
            end = start + (data[end] << 8 | data[end + 1])
            entries.append(data[start:end])
    except IndexError:
        end = -1
    if end != len(data):
        raise TlogError(
            f"the lengths in the bundle of {width} entries do not add up to its {len(data)} bytes"
        )
    return entries


def bundle_hashes(entries: Sequence[bytes]) -> list[bytes]:
    """The hashes of the level 0 tile with the index of this bundle (tlog-tiles, "Log entries")."""
    return [leaf_hash(entry) for entry in entries]
