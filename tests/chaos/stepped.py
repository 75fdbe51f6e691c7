"""`python -m tests.chaos.stepped CLOCK MODULE`: runs a service whose wall clock is off by the
seconds that the file CLOCK holds.

Stepped are Python's `time.time` and `time.time_ns` (ids, Kafka's timestamps, the log) and the
ledger's own clock (every event's time). Not stepped: the monotonic clock, which no real step moves
either, the check of a token's times, and the other processes."""

import mmap
import runpy
import struct
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from shared.runtime.process import clock

SIZE = 8


def set_clock(file: Path, seconds: float) -> None:
    """Steps the clock of the process that runs on this file, at once. Makes the file where it is
    missing."""
    with file.open("r+b" if file.exists() else "w+b") as opened:
        opened.write(struct.pack("d", seconds))


def main() -> None:
    with open(sys.argv[1], "rb") as file:
        offset = mmap.mmap(file.fileno(), SIZE, access=mmap.ACCESS_READ)
    seconds, nanoseconds = time.time, time.time_ns  # noqa: TID251  this is where it is stepped

    def stepped() -> float:
        return seconds() + float(struct.unpack("d", offset)[0])

    time.time = stepped  # noqa: TID251
    time.time_ns = lambda: nanoseconds() + int(struct.unpack("d", offset)[0] * 1e9)
    clock.now = lambda: datetime.fromtimestamp(stepped(), UTC)
    module, sys.argv = sys.argv[2], sys.argv[2:]
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main()
