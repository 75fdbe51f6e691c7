"""Where the static files of a log are read from: a folder, or by HTTP (the command's). Nothing is
believed of what they hold."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from shared.tlog.bundles import MAX_ENTRY
from shared.tlog.tiles import WIDTH

MAX_FILE: Final = WIDTH * (MAX_ENTRY + 2)
"""Bytes; no file of a log is longer than a full bundle of the longest entries."""


class Unreachable(OSError):
    """The source does not answer, or does not let us read; the message says what to do."""


class Files(Protocol):
    @property
    def name(self) -> str: ...
    def read(self, path: str) -> bytes | None:
        """The bytes at this path, None when there are none. Raises Unreachable."""
        ...

    def read_all(self, paths: Iterable[str]) -> Iterator[bytes | None]:
        """The same for each path, in order; reads ahead where that is faster."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def read(self, path: str) -> bytes | None:
        try:
            file = os.open(f"{self.path}/{path}", os.O_RDONLY)
            try:
                return _read(file, min(os.fstat(file).st_size, MAX_FILE) + 1)
            finally:
                os.close(file)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise Unreachable(f"{self.path / path} cannot be read: {error.strerror}") from error

    def read_all(self, paths: Iterable[str]) -> Iterator[bytes | None]:
        return map(self.read, paths)


def _read(file: int, size: int) -> bytes:
    """Up to this many bytes; one call in almost every case."""
    data = os.read(file, size)
    while data and len(data) < size and (more := os.read(file, size - len(data))):
        data += more
    return data
