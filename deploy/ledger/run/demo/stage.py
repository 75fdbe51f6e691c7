"""Where the demo plays: a folder emptied of the demo before, ports that are free, and a stack."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.ledger.progress import steps
from deploy.ledger.run import starting
from deploy.local import ports, state
from deploy.local.errors import StackError
from deploy.local.folder import hint

OURS: Final = {"stack", "reports", "dossiers"}


@contextmanager
def stage(folder: Path, data: Path, *, keep: bool) -> Iterator[state.Stack]:
    """Empties the folder and runs a stack in it for as long as the body, or on where it is to be
    kept. Raises StackError."""
    with steps("starting a stack") as tell:
        _make_room(folder, data)
        running = starting.start(data, _free_base(), tell)
    try:
        yield running
    finally:
        if not keep:
            with steps("ending the stack"):
                starting.end(data)


def _make_room(folder: Path, data: Path) -> None:
    if (left := state.recorded(data)) is not None and left.supervisor.running() is not None:
        raise StackError(
            f"the stack of an earlier demo still runs; end it with: {hint('ledger down', data)}"
        )
    if folder.exists() and not {path.name for path in folder.iterdir()} <= OURS:
        raise StackError(
            f"{folder} holds other things than an earlier demo; name another folder with --folder"
        )
    starting.end(data)
    shutil.rmtree(folder, ignore_errors=True)


def _free_base() -> int:
    for base in range(ports.DEFAULT_BASE, ports.DEFAULT_BASE + 2000, 100):
        try:
            ports.Ports(base).require_free()
        except StackError:
            continue
        return base
    raise StackError(
        f"no free ports from {ports.DEFAULT_BASE} on; end other stacks first: "
        "ledger status shows one"
    )
