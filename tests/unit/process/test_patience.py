"""What somebody else's code is given to end, and what becomes of it when it does not."""

import asyncio
import time

import pytest

from shared.runtime.process.patience import within


async def stubborn(released: asyncio.Event, told: asyncio.Event) -> str:
    """Keeps cancellations to itself, as a client does while it stops."""
    while not released.is_set():
        try:
            await released.wait()
        except asyncio.CancelledError:
            told.set()
    return "ended"


async def test_gives_what_the_work_gives() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert await within(5, work()) == 7


async def test_raises_what_the_work_raises() -> None:
    async def work() -> None:
        raise LookupError("away")

    with pytest.raises(LookupError, match="away"):
        await within(5, work())


async def test_does_not_wait_for_work_that_will_not_end() -> None:
    released, told = asyncio.Event(), asyncio.Event()
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"0\.05 s"):
        await within(0.05, stubborn(released, told))
    assert time.monotonic() - began < 5
    async with asyncio.timeout(5):
        await told.wait()
    released.set()


async def test_a_cancelled_caller_ends_at_once_and_tells_the_work() -> None:
    released, told = asyncio.Event(), asyncio.Event()
    caller = asyncio.create_task(within(600, stubborn(released, told)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    caller.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await caller
        await told.wait()
    released.set()


async def test_an_error_of_work_that_was_left_behind_is_not_told_of() -> None:
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    released = asyncio.Event()

    async def fails_late() -> None:
        try:
            await released.wait()
        except asyncio.CancelledError:
            raise LookupError("too late") from None

    with pytest.raises(TimeoutError):
        await within(0.01, fails_late())
    await asyncio.sleep(0.01)
    assert heard == []
