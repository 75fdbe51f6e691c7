"""Where the time goes: what a process does while it works, sampled by its own CPU clock, by what
the work is for."""

import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Final

EVERY: Final = 0.001
"""Seconds of CPU between two samples."""

PURPOSES: Final = (
    ("signatures", ("/nacl/", "tlog/keys.py")),
    ("hashes and links", ("contract/hashing.py", "chain/link.py", "contract/topics.py")),
    ("Postgres client", ("/asyncpg/",)),
    ("Kafka client", ("/aiokafka/",)),
    (
        "JSON and validation",
        ("/json/", "/pydantic", "contract/envelope.py", "/bodies.py", "/starlette/responses.py"),
    ),
    ("ids and clock", ("/uuid", "process/clock.py")),
    ("tracing", ("/opentelemetry/", "process/telemetry.py")),
    ("HTTP", ("/uvicorn/", "/fastapi/", "/starlette/", "/httpx/", "/jwt/", "shared/runtime/web/")),
    ("rules and views", ("services/", "runtime/say/projection.py")),
    ("ledger", ("shared/runtime/",)),
)
"""In this order: the innermost frame that is for one of these says what a sample was for. What is
for none is asyncio's."""


async def shares(work: Callable[[], Awaitable[object]]) -> dict[str, float]:
    """Shares of the wall time: CPU of this process by purpose, and `waiting` for others (Postgres,
    Kafka, the disk)."""
    seen: Counter[str] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        # A thread that has no work waits, which is for none of the purposes.
        threads = (
            _purpose(other) for other in sys._current_frames().values() if other is not frame
        )
        seen[
            next((purpose for purpose in threads if purpose != "asyncio"), None) or _purpose(frame)
        ] += 1

    before = signal.signal(signal.SIGPROF, sample)
    wall, cpu = time.perf_counter(), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        await work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    busy = min(1.0, cpu / wall)
    return {name: busy * count / seen.total() for name, count in seen.most_common()} | {
        "waiting": 1 - busy
    }


def _purpose(frame: FrameType | None) -> str:
    while frame is not None:
        file = frame.f_code.co_filename
        for name, parts in PURPOSES:
            if any(part in file for part in parts):
                return name
        frame = frame.f_back
    return "asyncio"
