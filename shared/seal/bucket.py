"""The sealed log in an S3-compatible store. Imported only when one is used: a log in a folder is
spared the four megabytes of its library."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import S3Store

from shared.runtime.process.lease import Fenced
from shared.seal.store import AT_ONCE, StoreAway


def open_bucket(url: str) -> "Bucket":
    """Raises ValueError."""
    try:
        return Bucket(S3Store.from_url(url))
    except BaseError as error:
        raise ValueError(f"is not a usable s3:// URL: {str(error).splitlines()[0]}") from error


class Bucket:
    """The log as objects below one prefix of an S3-compatible store, which must support conditional
    writes (If-Match)."""

    def __init__(self, store: S3Store) -> None:
        self._store = store
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def read(self, path: str) -> bytes | None:
        return (await self._read(path))[0]

    async def write(self, files: Sequence[tuple[str, bytes]]) -> None:
        await asyncio.gather(*(self._write(path, data) for path, data in files))

    async def replace(self, path: str, old: bytes | None, new: bytes) -> None:
        there, e_tag = await self._read(path)
        if there != old:
            raise Fenced(f"{path} was replaced by another sealer")
        with _or_away(), _or_fenced(path):
            await obstore.put_async(
                self._store, path, new, mode="create" if old is None else {"e_tag": e_tag}
            )

    async def discard(self, folder: str) -> None:
        with _or_away():
            async for found in obstore.list(self._store, folder):
                await obstore.delete_async(self._store, [one["path"] for one in found])

    async def _read(self, path: str) -> tuple[bytes | None, str | None]:
        with _or_away():
            try:
                answer = await obstore.get_async(self._store, path)
                return bytes(await answer.bytes_async()), answer.meta["e_tag"]
            except (NotFoundError, FileNotFoundError):
                return None, None

    async def _write(self, path: str, data: bytes) -> None:
        async with self._at_once:
            with _or_away():
                await obstore.put_async(self._store, path, data)


@contextlib.contextmanager
def _or_fenced(path: str) -> Iterator[None]:
    try:
        yield
    except (AlreadyExistsError, PreconditionError) as error:
        raise Fenced(f"{path} was replaced by another sealer") from error


@contextlib.contextmanager
def _or_away() -> Iterator[None]:
    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        raise StoreAway(f"the log store: {str(error).splitlines()[0]}") from error
