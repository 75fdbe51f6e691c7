"""Ends what a supervisor left behind when it was killed, in the order in which it would have done it."""

import signal
from collections.abc import Iterable
from typing import Final

import psutil

from deploy.local.state import Stack

ORDER: Final = (
    (("intake", "triage", "notify", "review"), signal.SIGTERM, 12.0),
    (("kafka",), signal.SIGTERM, 15.0),
    (("postgres",), signal.SIGINT, 15.0),
)
"""SIGINT is Postgres's fast shutdown."""


def end(stack: Stack) -> list[str]:
    """The names of what still ran. Blocks until all of it is gone."""
    ended: list[str] = []
    for names, stop_signal, patience in ORDER:
        running = {name: process for name in names if (process := _running(stack, name)) is not None}
        ended.extend(running)
        _end(running.values(), stop_signal, patience)
    return ended


def _running(stack: Stack, name: str) -> psutil.Process | None:
    process = stack.processes.get(name)
    return process.running() if process is not None else None


def _end(processes: Iterable[psutil.Process], stop_signal: signal.Signals, patience: float) -> None:
    waiting = list(processes)
    for process in waiting:
        _send(process, stop_signal)
    _, stubborn = psutil.wait_procs(waiting, patience)
    for process in stubborn:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, patience)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
