"""Ends what a supervisor left behind when it was killed, in the order in which it would have done
it."""

import contextlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from deploy.local.state import Process, Stack, recorded

ORDER: Final = (
    (("intake", "triage", "notify", "review"), signal.SIGTERM, 12.0),
    (("kafka",), signal.SIGTERM, 15.0),
    (("postgres",), signal.SIGINT, 15.0),
)
"""SIGINT is Postgres's fast shutdown."""


def end_of_earlier(data: Path, say: Callable[[str], None]) -> None:
    """Ends what an earlier stack on this folder left, and says so where there was any. Blocks."""
    left = recorded(data)
    if left is not None and left.processes:
        say("ending what a stack that was cut off left behind")
        end(left)


def end(stack: Stack) -> list[str]:
    """The names of what still ran. Blocks until all of it is gone."""
    ended: list[str] = []
    for names, stop_signal, patience in ORDER:
        running = {name: stack.processes[name] for name in names if _runs(stack, name)}
        ended.extend(running)
        for process in running.values():
            _send(process, stop_signal)
        for process in running.values():
            if not process.gone(patience):
                _send(process, signal.SIGKILL)
                process.gone(patience)
    return ended


def _runs(stack: Stack, name: str) -> bool:
    return name in stack.processes and stack.processes[name].running() is not None


def _send(process: Process, number: signal.Signals) -> None:
    running = process.running()
    with contextlib.suppress(psutil.NoSuchProcess):
        if running is not None:
            running.send_signal(number)
