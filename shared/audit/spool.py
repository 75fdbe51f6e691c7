"""Puts the leaves of a log together by subject, on disk where they do not fit in memory."""

import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Final, Self

from shared.audit.places import subject_of
from shared.contract.envelope import MalformedEnvelope, read

LEAVES_AT_ONCE: Final = 20_000
"""Leaves that are read into memory together, about."""

MAX_BUCKETS: Final = 512
IN_MEMORY: Final = 64 * 1024
"""Bytes of one bucket before it goes to disk."""

_INDEX, _LENGTH = 8, 4


class Spool:
    """One bucket of leaves for each share of the subjects; all leaves of a subject are in one,
    in order."""

    def __init__(self, size: int) -> None:
        self._stack = ExitStack()
        count = min(MAX_BUCKETS, size // LEAVES_AT_ONCE + 1)
        self._buckets: list[IO[bytes]] = [
            tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  closed by the stack
            for _ in range(count)
        ]
        for bucket in self._buckets:
            self._stack.enter_context(bucket)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stack.close()

    def take(self, first: int, entries: Iterable[bytes]) -> None:
        for index, entry in enumerate(entries, first):
            bucket = self._buckets[zlib.crc32(_subject(entry)) % len(self._buckets)]
            bucket.write(
                index.to_bytes(_INDEX, "big") + len(entry).to_bytes(_LENGTH, "big") + entry
            )

    def buckets(self) -> Iterator[Sequence[tuple[int, bytes]]]:
        for bucket in self._buckets:
            bucket.seek(0)
            yield list(_leaves(bucket))


def _leaves(bucket: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    while head := bucket.read(_INDEX + _LENGTH):
        yield (
            int.from_bytes(head[:_INDEX], "big"),
            bucket.read(int.from_bytes(head[_INDEX:], "big")),
        )


def _subject(entry: bytes) -> bytes:
    """Of an envelope as services write it, without decoding; of any other, as a strict reader finds
    it."""
    if entry.find(b"{", 1, 300) < 0 and (subject := subject_of(entry)):
        return subject
    try:
        return str(read(entry).subject_id).encode()
    except MalformedEnvelope:
        return b""
