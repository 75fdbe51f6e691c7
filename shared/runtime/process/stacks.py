"""What every task of a process waits for, told on demand: where each stands in the code, and no
value of anything."""

import asyncio
import traceback
from types import FrameType

import structlog

DEEPEST = 12
"""Frames of a task that are told, the innermost."""

log = structlog.get_logger(__name__)


def tell() -> None:
    """One line of the log for each task of the running loop."""
    for task in sorted(asyncio.all_tasks(), key=lambda one: one.get_name()):
        log.warning("a task waits", task=task.get_name(), where=_where(task))


def _where(task: "asyncio.Task[object]") -> list[str]:
    # asyncio's own list ends at the outermost coroutine; what it awaits stands in cr_await.
    frames: list[tuple[FrameType, int]] = []
    awaited: object = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None:
            frames.append((frame, frame.f_lineno))
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return [
        f"{summary.filename}:{summary.lineno} {summary.name}"
        for summary in traceback.StackSummary.extract(iter(frames), lookup_lines=False)
    ][-DEEPEST:]
