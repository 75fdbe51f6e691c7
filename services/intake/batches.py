"""Many reports in one request: each is taken by itself, side by side with the others, and has its
own answer, in order."""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable, Iterable
from typing import Any, Final, TypeAlias, TypeVar

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from services.intake import bounds, cloudevents
from services.intake.bodies import ReportReceipt
from services.intake.reception import LINE, Reception, validated
from shared.runtime.process import telemetry
from shared.runtime.process.persistence import PASSING
from shared.runtime.say.conflicts import Malformed
from shared.runtime.web import problems

T = TypeVar("T")

MOST: Final = 10_000
"""Reports that one request may carry."""
AT_ONCE: Final = 1000
"""Reports of one batch under way at a time: what one turn of the ledger commits together."""
IN_PLACE: Final = 64 * 1024
"""Bytes of a body that the event loop takes apart itself; a larger one would hold up others."""

Turns: TypeAlias = defaultdict[Hashable, asyncio.Lock]
"""By key, within one request: of two reports with one key the first is the one that counts."""

log = structlog.get_logger(__name__)


async def counted(count: Callable[[bytes, int], list[T]], body: bytes) -> list[T]:
    """The parts of a batch, as `bounds` finds them. Raises HTTPException when they are too many,
    NotAnArray."""
    try:
        if len(body) <= IN_PLACE:
            return count(body, MOST)
        return await asyncio.to_thread(count, body, MOST)
    except bounds.TooMany as error:
        raise HTTPException(
            413, f"{error}; send at most {MOST} in one request. None was recorded."
        ) from error


def take_events(
    reception: Reception, body: bytes, events: Iterable[slice]
) -> AsyncGenerator[list[bytes], None]:
    """The answer to each event, as JSON, in order; as many together as are ready."""
    turns: Turns = defaultdict(asyncio.Lock)

    async def take(text: bytes) -> ReportReceipt:
        event = cloudevents.read_structured(text)
        async with turns[event.foreign.source, event.foreign.id]:
            return await reception.take_event(event)

    return in_order(
        (answered("index", index, take(body[event])) for index, event in enumerate(events)),
        AT_ONCE,
        reception.running.many,
    )


def take_lines(
    reception: Reception, body: bytes, lines: Iterable[bounds.Line]
) -> AsyncGenerator[list[bytes], None]:
    """The answer to each numbered line, as JSON, in order; as many together as are ready."""
    turns: Turns = defaultdict(asyncio.Lock)

    async def take(text: bytes) -> ReportReceipt:
        if len(text) > cloudevents.LARGEST:
            raise Malformed(f"a line may have {cloudevents.LARGEST} bytes")
        line = validated(LINE, text)
        key = line.idempotency_key
        async with contextlib.nullcontext() if key is None else turns[key]:
            return await reception.take_line(line)

    return in_order(
        (
            answered("line", line.number, take(body[line.start : line.end].rstrip()))
            for line in lines
        ),
        AT_ONCE,
        reception.running.many,
    )


async def in_order(
    jobs: Iterable[Coroutine[Any, Any, T]], at_once: int, places: asyncio.Semaphore
) -> AsyncGenerator[list[T], None]:
    """Runs jobs side by side and yields their results in the order of the jobs, as many as there
    are by then.

    At most `at_once` run at a time, and each waits for one of the places, which all batches
    share."""
    under_way: deque[asyncio.Task[T]] = deque()
    try:
        for job in jobs:
            await places.acquire()
            under_way.append(task := asyncio.create_task(job))
            task.add_done_callback(lambda _: places.release())
            if len(under_way) >= at_once:
                yield await _finished(under_way)
        while under_way:
            yield await _finished(under_way)
    finally:
        for task in under_way:
            task.cancel()


async def _finished(under_way: deque[asyncio.Task[T]]) -> list[T]:
    results = [await under_way.popleft()]
    while under_way and under_way[0].done():
        results.append(under_way.popleft().result())
    return results


async def answered(place: str, number: int, taking: Coroutine[Any, Any, ReportReceipt]) -> bytes:
    try:
        receipt = await taking
    # One report's failure, a bug included, is its own answer and spoils no other.
    except Exception as error:  # noqa: BLE001
        refusal = _refusal(error)
        problem = bytes(refusal.body).decode()
        return f'{{"{place}":{number},"status":{refusal.status_code},"problem":{problem}}}'.encode()
    return f'{{"{place}":{number},"status":201,"receipt":{receipt.model_dump_json()}}}'.encode()


def _refusal(error: Exception) -> Response:
    """The problem that the error would be as the answer to a request of its own."""
    if isinstance(error, RequestValidationError):
        return problems.invalid(problems.field_problems(error))
    if isinstance(error, PASSING):
        why = problems.why_not_now(error)
        detail = f"{why} Send this report again, with the same key if it had one."
        return problems.problem(503, "unavailable", "Not now", detail)
    if isinstance(error, cloudevents.NotACloudEvent):
        error = Malformed(str(error))
    if (described := problems.describe(error)) is not None:
        status, members = described
        return problems.problem(status, **members)
    log.error("a bug", exc_info=error)
    detail = "This is a bug of ours, and the log has it. Please tell us the trace_id."
    return problems.problem(
        500, "bug", "Something is broken here", detail, trace_id=telemetry.trace_id()
    )
