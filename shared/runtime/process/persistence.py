"""Which failures pass by themselves, and how a task outlives them."""

import asyncio
import errno
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg
import structlog
from aiokafka.errors import KafkaError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential_jitter

from shared.runtime.process.logging import said

BROKER_AWAY: Final[tuple[type[Exception], ...]] = (KafkaError,)
DATABASE_AWAY: Final[tuple[type[Exception], ...]] = (
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # A disk that is full, memory that is used up, connections that are all taken.
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    # A pooled connection that was told of its server's end and is not yet closed refuses its next
    # statement with this.
    asyncpg.InternalClientError,
)
NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
PASSING: Final[tuple[type[Exception], ...]] = (*BROKER_AWAY, *DATABASE_AWAY)
"""A broker or a database that is away, or full: worth waiting for. Anything else is a bug, and the
process stops loudly."""

log = structlog.get_logger(__name__)


async def persist(name: str, task: Callable[[], Awaitable[None]]) -> None:
    """Runs the task again, from its beginning, whenever it fails for a reason that passes by
    itself.

    Ends when it is cancelled, also while it closes what failed: aiokafka keeps a cancellation to
    itself while it stops, and a process that is told to end would go on."""

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        log.warning(
            "interrupted, trying again",
            task=name,
            error=said(error) if error is not None else None,
            attempt=state.attempt_number,
        )

    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(PASSING),
        wait=wait_exponential_jitter(multiplier=0.1, max=3, jitter=0.2),
        before_sleep=tell,
        reraise=True,
    ):
        with attempt:
            try:
                await task()
            except PASSING as error:
                if _is_cancelled():
                    raise asyncio.CancelledError from error
                raise


def _is_cancelled() -> bool:
    current = asyncio.current_task()
    return current is not None and current.cancelling() > 0


def is_full(error: BaseException) -> bool:
    """Whether a disk, the database's or this process's own, has no space left."""
    return isinstance(error, asyncpg.DiskFullError) or (
        isinstance(error, OSError) and error.errno in NO_SPACE
    )
