"""Tells on standard error how far a command has come."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from deploy.ledger.printing import note, text_of, visible
from deploy.ledger.terminal import console, is_terminal


class Steps:
    """One line on a terminal that says what is being done; elsewhere a line for each step, but not
    for each part of one (`step: part`)."""

    def __init__(self, begin: str) -> None:
        stream = sys.stderr
        self._line = console(stream).status(text_of(begin)) if is_terminal(stream) else None
        self._told = ""
        if self._line is not None:
            self._line.start()

    def __call__(self, text: str) -> None:
        step = text.partition(":")[0]
        if self._line is not None:
            self._line.update(text_of(text))
            self._line.start()
        elif step != self._told:
            self._told = step
            note(step)

    def pause(self) -> None:
        """Leaves the terminal to others until the next word."""
        if self._line is not None:
            self._line.stop()


@contextmanager
def steps(begin: str) -> Iterator[Steps]:
    """Tells of a work of several steps, on standard error."""
    telling = Steps(begin)
    try:
        yield telling
    finally:
        telling.pause()


@contextmanager
def counting(*, quiet: bool = False) -> Iterator[Callable[[str, int, int | None], None]]:
    """Tells how much of what has been read, out of how much where that is known; on standard error,
    and only to a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f}", markup=False),
    )
    tasks: dict[str, TaskID] = {}
    silent = quiet or not is_terminal(sys.stderr)
    with Progress(
        *columns, console=console(sys.stderr), transient=True, disable=silent
    ) as progress:

        def tell(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(visible(name), total=total)
            progress.update(tasks[name], completed=done, total=total)

        yield tell
