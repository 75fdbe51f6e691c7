"""The data folder of a stack: which names it may have, who may read it, and one supervisor at a
time."""

import contextlib
import errno
import fcntl
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deploy.local.errors import StackError

UMASK: Final = 0o077
LONGEST: Final = 900
"""Bytes of a path. Postgres takes no path of 1024, and Kafka's files lie below this one."""
REMEDIES: Final = {
    errno.ENOSPC: "free space on that disk, then run the command again",
    errno.EDQUOT: "your quota is used up: free space, then run the command again",
    errno.EROFS: "choose a folder on a disk that can be written to",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "raise the limit of open files: ulimit -n 4096",
    errno.ENFILE: "end other programs: the whole machine's limit of open files is reached",
    errno.ENOMEM: "free memory, then run the command again",
    errno.EIO: "check that disk: it fails to read or write",
}


def explain(error: OSError, otherwise: str) -> str:
    """One line: where it failed, why, and the remedy; `otherwise` is the remedy for errors that
    have none of their own."""
    reason = (error.strerror or type(error).__name__).lower()
    where = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
    return f"{where}{reason}; {REMEDIES.get(error.errno or 0, otherwise)}"


def hint(command: str, data: Path) -> str:
    """A command for this data folder, as a shell takes it."""
    return f"{command} --data {shlex.quote(str(data))}"


def require_usable(data: Path) -> None:
    """Refuses, before anything is made, a name that a part of the stack cannot open.

    Raises StackError: one line that names the character or the length."""
    absolute = str(data.absolute())
    for character in absolute:
        if 0xDC80 <= ord(character) <= 0xDCFF:
            byte = ord(character) - 0xDC00
            raise StackError(
                f"--data {data!s}: byte 0x{byte:02x} is not UTF-8, and Java cannot open such a "
                "folder; choose another name"
            )
        if ord(character) < 0x20 or ord(character) == 0x7F:
            raise StackError(
                f"--data {str(data)!r}: the control character U+{ord(character):04X} stands in "
                "the name; choose another name"
            )
    if (length := len(os.fsencode(absolute))) > LONGEST:
        raise StackError(
            f"--data: the path has {length} bytes, and Postgres and Kafka need it to have at most "
            f"{LONGEST}; choose a folder with a shorter path"
        )


@contextlib.contextmanager
def opened(data: Path) -> Iterator[None]:
    """The folder, made where it is missing, for its owner alone and for one supervisor at a time.

    Everything that the body makes is its owner's alone, too. Raises StackError, also for what
    fails in the body for want of space or permission."""
    require_usable(data)
    before = os.umask(UMASK)
    try:
        with _explained():
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            if data.stat().st_uid == os.geteuid():
                data.chmod(0o700)
            with _alone(data):
                yield
    finally:
        os.umask(before)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno not in REMEDIES:
            raise
        remedy = "choose another folder with --data, or make this one writable"
        raise StackError(explain(error, remedy)) from error


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    with (data / "stack.lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"a stack runs on {data} already; see it with: {hint('ledger status', data)}, "
                f"end it with: {hint('ledger down', data)}"
            ) from None
        yield
