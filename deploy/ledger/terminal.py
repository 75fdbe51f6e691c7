"""The two streams that a command prints on, and the ways in which they fail: closed, unread, no
terminal, or in an encoding that lacks a character. For `printing` and `progress` alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO

from rich.console import Console

COULD_NOT: Final = 2
"""The exit code of a command that could not do its work."""


def is_terminal(stream: TextIO | None) -> bool:
    with suppress(ValueError):  # it is closed
        return stream is not None and stream.isatty()
    return False


def console(stream: TextIO | None) -> Console:
    """Rich, for a terminal: nothing in a text means anything to it."""
    lenient: Any = _Lenient(stream)
    return Console(file=lenient, highlight=False, markup=False, emoji=False)


class _Lenient:
    """A text file that writes a code for what its encoding lacks, and may have lost its reader."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.encoding = (stream and stream.encoding) or "utf-8"

    def write(self, text: str) -> int:
        write(self._stream, text)
        return len(text)

    def flush(self) -> None:
        """Each write is."""

    def isatty(self) -> bool:
        return is_terminal(self._stream)

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError("standard output is closed")
        return self._stream.fileno()


def write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    with unread_is_no_error(stream):
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


@contextmanager
def unread_is_no_error(stream: TextIO) -> Iterator[None]:
    """Who reads may stop at any line (`ledger replay | head`): what follows goes nowhere, and the
    exit code stays that of the work. What was asked for and does not fit on a disk was not
    given: one line, and exit code 2."""
    try:
        yield
    except BrokenPipeError:
        _to_nowhere(stream)
    except OSError as error:
        _to_nowhere(stream)
        with suppress(OSError):
            os.write(2, f"the output cannot be written: {error.strerror}\n".encode())
        raise SystemExit(COULD_NOT) from None


def _to_nowhere(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
