"""Writes files whole or not at all, and says what kept it from doing so."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_REMEDIES: Final = {
    errno.ENOSPC: "free some space, or name another place",
    errno.EDQUOT: "free some space, or name another place",
    errno.EACCES: "name a place that you may write to",
    errno.EPERM: "name a place that you may write to",
    errno.EROFS: "name a place that you may write to",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOENT: "make its folder first",
    errno.ENOTDIR: "a folder above it is a file; name another place",
    errno.EISDIR: "that is a folder; name a file in it",
    errno.ELOOP: "its links lead in a circle; name another place",
}


class CannotWrite(OSError):
    """A file cannot be written; the message says which, why, and what to do. Nothing is left of
    it."""


def write_whole(path: Path, data: bytes, mode: int = 0o666, *, sync: bool = True) -> None:
    """Replaces the file in one step, on disk when this returns: it is there whole, or as it was.

    `mode` is subject to the umask; without `sync` a loss of power may undo it. Raises CannotWrite,
    also where something is there that is not a regular file."""
    with refusals(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path = path.resolve()
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "it is a pipe or a device; name a file")
        partial = path.parent / f".{secrets.token_hex(6)}.new"
        try:
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(data)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        if sync:
            _sync(path.parent)


@contextlib.contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Turns what the system says of a file into CannotWrite."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in the name; links in a circle
        number = error.errno if isinstance(error, OSError) else None
        why = error.strerror if isinstance(error, OSError) else str(error)
        remedy = _REMEDIES.get(number or 0)
        raise CannotWrite(
            number or errno.EINVAL,
            f"{path} cannot be written: {why}" + (f"; {remedy}" if remedy else ""),
        ) from error


def make_folder(path: Path, mode: int = 0o777) -> None:
    """With the folders above it, unless it is there. Raises CannotWrite."""
    with refusals(path):
        path.mkdir(mode=mode, parents=True, exist_ok=True)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
