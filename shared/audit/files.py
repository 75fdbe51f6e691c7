"""Where the static files of a log are read from: a folder, or by HTTP (the command's). Nothing is
believed of what they hold, nor of how long they are, nor that they are files."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from shared.tlog import turns
from shared.tlog.bundles import MAX_ENTRY
from shared.tlog.encoding import HASH_SIZE
from shared.tlog.tiles import WIDTH

MAX_TEXT: Final = 1_000_000
"""Bytes; no checkpoint, key file, policy or statement is longer."""

MAX_BUNDLE: Final = WIDTH * (MAX_ENTRY + 2)
"""Bytes of a full bundle of the longest entries."""


TEXTS: Final = "disclosures.jsonl"
"""In a folder, what people wrote: it is handed over with a log and is no part of it."""

MAX_TEXTS: Final = 256 * 1024 * 1024
"""Bytes of that file."""


class Unreachable(OSError):
    """The source does not answer, or does not let us read; the message says what to do."""


class NotALog(ValueError):
    """What lies at the source is not a log that the trusted key has signed, or not a whole one."""


class Files(Protocol):
    @property
    def name(self) -> str: ...
    def read(self, path: str) -> bytes | None:
        """The bytes at this path, None when there are none; of a file that is longer than any can
        be, one byte more than that. Raises Unreachable."""
        ...

    def read_all(self, paths: Iterable[str]) -> Iterator[bytes | None]:
        """The same for each path, in order; reads ahead where that is faster."""
        ...


def longest(path: str) -> int:
    """The most bytes that a log's file at this path can have."""
    if path.startswith("tile/entries/"):
        return MAX_BUNDLE
    if path.startswith("tile/"):
        return WIDTH * HASH_SIZE
    if path.startswith("signatures/"):
        return WIDTH * (turns.LONGEST + 2)
    if path == TEXTS:
        return MAX_TEXTS
    return MAX_TEXT


@dataclass(frozen=True, slots=True)
class Folder:
    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def read(self, path: str) -> bytes | None:
        try:
            return read_regular(f"{self.path}/{path}", longest(path))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise Unreachable(f"{self.path / path} cannot be read: {why}") from error

    def read_all(self, paths: Iterable[str]) -> Iterator[bytes | None]:
        return map(self.read, paths)


def read_regular(path: str | Path, most: int) -> bytes:
    """A regular file's bytes, and at most one more than `most`. Waits for nobody: a pipe, a socket
    or a device is refused before a byte of it is read. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        about = os.fstat(file)
        if stat.S_ISDIR(about.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return _read(file, min(about.st_size, most) + 1)
    finally:
        os.close(file)


def _read(file: int, size: int) -> bytes:
    """Up to this many bytes; one call in almost every case."""
    data = os.read(file, size)
    while data and len(data) < size and (more := os.read(file, size - len(data))):
        data += more
    return data
