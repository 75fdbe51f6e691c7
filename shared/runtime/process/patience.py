"""Waits for somebody else's code, and not for ever.

A client library may wait for an answer that will never come, and may keep a cancellation to itself
while it does. So what is awaited runs in a task of its own: when its time is up it is told to end,
and left behind."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives. Raises TimeoutError, and whatever the work raises; when the caller is
    cancelled, the work is told to end too, and nobody waits until it does."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        _leave(task)
        raise
    if task.done():
        return task.result()
    _leave(task)
    raise TimeoutError(f"no end within {seconds:g} s")


def _leave(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    task.add_done_callback(_forget)


def _forget(task: "asyncio.Task[Any]") -> None:
    """Takes what it raised, so that the loop does not tell of an error that nobody asked for."""
    if not task.cancelled():
        task.exception()
