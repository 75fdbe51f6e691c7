"""Which failures are waited for, and which end the process."""

import asyncio
import errno
import socket
import ssl

import asyncpg
import pytest
import structlog.testing
from aiokafka.errors import (
    IllegalStateError,
    KafkaConnectionError,
    KafkaTimeoutError,
    NotLeaderForPartitionError,
)

from shared.runtime.process.persistence import BROKER_AWAY, DATABASE_AWAY, PASSING, is_full, persist

AWAY = [
    OSError("network is unreachable"),
    ConnectionRefusedError(111, "refused"),
    ConnectionResetError(104, "reset"),
    BrokenPipeError(32, "broken pipe"),
    socket.gaierror(-2, "name or service not known"),
    ssl.SSLError("handshake"),
    TimeoutError(),
    asyncio.IncompleteReadError(b"", 4),
    asyncpg.ConnectionDoesNotExistError("closed"),
    asyncpg.ConnectionFailureError("failed"),
    asyncpg.CannotConnectNowError("starting up"),
    asyncpg.AdminShutdownError("terminating"),
    asyncpg.CrashShutdownError("crashed"),
    asyncpg.TooManyConnectionsError("full"),
    asyncpg.DiskFullError("could not extend file"),
    asyncpg.OutOfMemoryError("out of memory"),
    OSError(errno.ENOSPC, "No space left on device"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("another operation is in progress"),
    KafkaConnectionError("no broker"),
    KafkaTimeoutError(),
    NotLeaderForPartitionError(),
    IllegalStateError(),
]

BUGS = [
    ValueError("x"),
    KeyError("x"),
    AssertionError("x"),
    RuntimeError("x"),
    asyncpg.UniqueViolationError("x"),
    asyncpg.UndefinedTableError("x"),
    asyncpg.SerializationError("x"),
    asyncpg.InsufficientPrivilegeError("x"),
    asyncpg.InvalidPasswordError("x"),
    asyncpg.PostgresSyntaxError("x"),
    ExceptionGroup("x", [OSError("y")]),
]


def kind(error: Exception) -> str:
    return type(error).__name__


@pytest.mark.parametrize("error", AWAY, ids=kind)
async def test_what_is_away_is_waited_for_and_told(error: Exception) -> None:
    assert isinstance(error, PASSING)
    failures = [error]

    async def task() -> None:
        if failures:
            raise failures.pop()

    with structlog.testing.capture_logs() as logged:
        await persist("relay", task)
    assert failures == []
    (line,) = logged
    assert (line["event"], line["log_level"]) == ("interrupted, trying again", "warning")
    assert (line["task"], line["attempt"]) == ("relay", 1)
    assert kind(error) in line["error"]


@pytest.mark.parametrize("error", BUGS, ids=kind)
async def test_a_bug_is_raised_at_once(error: Exception) -> None:
    assert not isinstance(error, PASSING)
    tries: list[int] = []

    async def task() -> None:
        tries.append(len(tries))
        raise error

    with structlog.testing.capture_logs() as logged, pytest.raises(type(error)) as raised:
        await persist("relay", task)
    assert raised.value is error
    assert tries == [0]
    assert logged == []


def test_a_full_disk_is_told_from_what_does_not_answer() -> None:
    full = [OSError(number, "full") for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]
    for error in (*full, asyncpg.DiskFullError("could not extend file")):
        assert is_full(error), error
    for error in (TimeoutError(), OSError(111, "refused"), asyncpg.OutOfMemoryError(""), *BUGS):
        assert not is_full(error), error


def test_whose_absence_it_is_can_be_told_apart() -> None:
    assert set(PASSING) == {*BROKER_AWAY, *DATABASE_AWAY}
    assert not isinstance(KafkaConnectionError("x"), DATABASE_AWAY)
    assert not isinstance(asyncpg.InterfaceError("x"), BROKER_AWAY)


async def test_a_bug_after_what_passed_is_raised_too() -> None:
    failures: list[Exception] = [ValueError("bug"), OSError("away")]

    async def task() -> None:
        raise failures.pop()

    with pytest.raises(ValueError, match="bug"):
        await persist("consumer", task)
    assert failures == []


async def test_it_can_be_cancelled_between_two_tries() -> None:
    tried = asyncio.Event()

    async def task() -> None:
        tried.set()
        raise OSError("away")

    persisting = asyncio.create_task(persist("relay", task))
    await tried.wait()
    persisting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await persisting
