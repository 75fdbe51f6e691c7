"""The sealed log as files in a folder."""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from shared.runtime.process.lease import Fenced
from shared.seal.store import AT_ONCE, UNFINISHED

LOCK: Final = ".lock"


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
        await asyncio.gather(
            *(self._do(self._write, self._root / path, data) for path, data in files)
        )
        await asyncio.gather(
            *(self._do(_sync, folder) for folder in _with_parents(folders, self._root))
        )

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
        # In a separate folder and under a random name, so that two writers of the same file never
        # share an unfinished one.
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
    """Makes the names in a folder durable: a synced file can still lose its name."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _with_parents(folders: set[Path], root: Path) -> set[Path]:
    return {
        parent
        for folder in folders
        for parent in (folder, *folder.parents)
        if parent.is_relative_to(root)
    }
