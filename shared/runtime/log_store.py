"""Where the sealed log lies for everybody to read: a folder, or a prefix of an S3-compatible store.

A file is written whole or not at all, and is safe when the call returns. What changes is replaced only by whoever saw what it replaces.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Protocol

from shared.runtime.lease import Fenced

AT_ONCE: Final = 16
"""Files that are written at the same time: each waits for its disk or its server."""
UNFINISHED: Final = ".unfinished"
"""Where a folder keeps what is being written; whoever is killed leaves it there."""
LOCK: Final = ".lock"


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


def open_store(where: str) -> LogStore:
    """Of a path, or of an s3:// URL; keys and address of the S3 server come from the AWS_* variables of the environment.

    Raises ValueError when it is neither."""
    if where.startswith("s3://"):
        from shared.runtime.log_bucket import open_bucket

        return open_bucket(where)
    if "://" in where:
        raise ValueError("must be the path of a folder, or an s3:// URL")
    return Folder(Path(where).absolute())


class Folder:
    """The log as files below one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="log-store")

    async def read(self, path: str) -> bytes | None:
        data: bytes | None = await self._do(self._read, self._root / path)
        return data

    async def write(self, files: Sequence[tuple[str, bytes]]) -> None:
        folders = {(self._root / path).parent for path, _ in files}
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        await asyncio.gather(*(self._do(self._write, self._root / path, data) for path, data in files))
        await asyncio.gather(*(self._do(_sync, folder) for folder in _with_parents(folders, self._root)))

    async def replace(self, path: str, old: bytes | None, new: bytes) -> None:
        await self._do(self._replace, self._root / path, old, new)

    async def discard(self, folder: str) -> None:
        await self._do(shutil.rmtree, self._root / folder, True)

    def _do(self, function: Any, *arguments: Any) -> "asyncio.Future[Any]":
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    def _read(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def _write(self, path: Path, data: bytes) -> None:
        # In a folder of its own and under a name of its own: two that write the same file never share an unfinished one.
        unfinished = self._root / UNFINISHED / secrets.token_hex(8)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise

    def _replace(self, path: Path, old: bytes | None, new: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            if self._read(path) != old:
                raise Fenced(f"{path.name} was replaced by another sealer")
            self._write(path, new)
            _sync(path.parent)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._root / LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _sync(folder: Path) -> None:
    """A name is on disk when its folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _with_parents(folders: set[Path], root: Path) -> set[Path]:
    return {parent for folder in folders for parent in (folder, *folder.parents) if parent.is_relative_to(root)}
