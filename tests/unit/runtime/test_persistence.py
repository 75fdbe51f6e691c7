"""A task that fails for a reason that passes is run again, until somebody ends it."""

import asyncio

import pytest

from shared.runtime.process.persistence import persist


async def test_what_passes_is_outlived_and_what_does_not_is_raised() -> None:
    runs = 0

    async def task() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise ConnectionError("the broker is away")
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await persist("task", task)
    assert runs == 3


async def test_a_cancellation_that_a_client_keeps_to_itself_while_it_stops_ends_the_task() -> None:
    begun = asyncio.Event()

    async def task() -> None:
        try:
            begun.set()
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise ConnectionError("failed before, and was closing what it had opened") from None

    persisting = asyncio.create_task(persist("task", task))
    await begun.wait()
    persisting.cancel()
    done, _ = await asyncio.wait([persisting], timeout=10)
    assert done
    assert persisting.cancelled()
