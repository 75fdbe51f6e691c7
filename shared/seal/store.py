"""Where the sealed log lies for everybody to read: what any such place does (`log_stores` knows
which there are).

A file is written whole or not at all, and is safe when the call returns. What changes is replaced
only by whoever saw what it replaces."""

from collections.abc import Sequence
from typing import Final, Protocol

AT_ONCE: Final = 16
"""Files that are written at the same time: each waits for its disk or its server."""
UNFINISHED: Final = ".unfinished"
"""Where a folder keeps what is being written; whoever is killed leaves it there."""


class StoreAway(OSError):
    """The store does not answer, or refuses: worth trying again."""


class LogStore(Protocol):
    async def read(self, path: str) -> bytes | None:
        """None when there is no such file."""

    async def write(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Files that never change: writing the same again does no harm."""

    async def replace(self, path: str, old: bytes | None, new: bytes) -> None:
        """Raises Fenced when the file is not `old` any more (None: not there)."""

    async def discard(self, folder: str) -> None:
        """Takes a folder away, if it is there."""
