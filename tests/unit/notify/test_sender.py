"""The sender's table of what is under way: each message once, no more than its room, and errors
come to light."""

import asyncio
from collections.abc import Coroutine
from typing import cast
from uuid import UUID

import pytest

from services.notify.domain import Command, State
from services.notify.sender import Sender
from shared.runtime.running import Running

ONE, TWO = UUID(int=1), UUID(int=2)


def sender(**under_way: Coroutine[None, None, None]) -> Sender:
    """A sender that needs no process, as it takes up nothing new."""
    tasks = {
        UUID(int=number): asyncio.create_task(work)
        for number, work in enumerate(under_way.values(), 1)
    }
    return Sender(cast("Running[Command, State, None]", None), tasks)


async def works() -> None:
    await asyncio.sleep(0)


async def breaks() -> None:
    await asyncio.sleep(0)
    raise ZeroDivisionError


async def hangs() -> None:
    await asyncio.Event().wait()


async def test_a_stop_waits_for_what_is_under_way() -> None:
    both = sender(one=works(), two=works())
    tasks = list(both.under_way.values())
    await both.finish()
    assert all(task.done() for task in tasks)
    assert both.under_way == {}


async def test_with_nothing_under_way_a_stop_waits_for_nothing() -> None:
    idle = sender()
    await idle.finish()
    assert idle.under_way == {}


async def test_a_broken_sending_comes_to_light_once() -> None:
    broken = sender(one=breaks(), two=works())
    with pytest.raises(ZeroDivisionError):
        await broken.finish()
    assert ONE not in broken.under_way
    await broken.finish()
    assert TWO not in broken.under_way


async def test_a_lost_sender_cancels_what_hangs() -> None:
    stuck = sender(one=hangs())
    (task,) = stuck.under_way.values()
    await asyncio.sleep(0)
    stuck.abandon()
    with pytest.raises(asyncio.CancelledError):
        await task
