"""Where the sealed log lies for everybody to read: what every store does (`stores` opens one).

A file is written whole or not at all, and is durable when the call returns. A file that changes is
replaced only by a caller that has read its present content."""

from collections.abc import Sequence
from typing import Final, Protocol

AT_ONCE: Final = 16
"""Files written at the same time: each waits for its disk or its server."""
UNFINISHED: Final = ".unfinished"
"""Where a folder keeps files while they are written; a process that is killed leaves them there."""


class StoreAway(OSError):
    """The store does not answer, or refuses for now: worth trying again."""


class LogStore(Protocol):
    async def read(self, path: str) -> bytes | None:
        """None when there is no such file."""

    async def write(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Writes files that never change: writing the same again does no harm."""

    async def replace(self, path: str, old: bytes | None, new: bytes) -> None:
        """Raises Fenced when the file no longer holds `old` (None: does not exist)."""

    async def discard(self, folder: str) -> None:
        """Removes a folder and all in it, if it exists."""
