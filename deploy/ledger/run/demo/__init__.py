"""`ledger demo`: real incidents through all five events on a stack of its own, their reports, and
the log verified."""

import asyncio
import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.check import audits
from deploy.ledger.check.audits import Pinned
from deploy.ledger.check.dossier import dossier_of, heads_from_stack
from deploy.ledger.check.stacklog import log_of_stack
from deploy.ledger.check.verify import How, verify_stack
from deploy.ledger.printing import say
from deploy.ledger.progress import steps
from deploy.ledger.run import starting
from deploy.ledger.run.demo.playing import Told, play
from deploy.ledger.run.demo.showing import show, show_what_next
from deploy.ledger.run.options import or_say_why
from deploy.local import ports, state
from deploy.local.errors import StackError
from deploy.local.folder import hint
from deploy.local.keys import Keys
from shared.audit.seen import SeenFile

OURS = {"stack", "reports", "dossiers"}


def demo(
    folder: Annotated[
        Path,
        typer.Option(
            help="Where the stack's data, the reports and the dossiers go; emptied first."
        ),
    ] = Path("demo"),
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the stack running afterwards.")
    ] = False,
) -> None:
    """Play six incidents that the press reported through all five events; show their reports;
    verify the log."""
    began = time.monotonic()
    data, reports, dossiers = folder / "stack", folder / "reports", folder / "dossiers"
    with or_say_why():
        _make_room(folder, data)
        with steps("starting a stack") as tell:
            running = starting.start(data, _free_base(), tell)
        took = time.monotonic() - began
        say(f"A real Kafka, a real Postgres and four services run, after {took:.1f} s.")
        say()
        try:
            told = asyncio.run(play(running, Keys.of(data), reports))
            _write_dossiers(data, dossiers, told)
            verified = verify_stack(
                data, Pinned(), How(False, audits.rules(), SeenFile(data / "seen.json"), True)
            )
        finally:
            if not keep:
                with steps("ending the stack"):
                    starting.end(data)
    show(told, running.inbox)
    verified.show()
    show_what_next(folder, data, told, keep=keep)
    say()
    say(f"Done in {time.monotonic() - began:.0f} s.")
    raise typer.Exit(1 if verified.findings else 0)


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


def _write_dossiers(data: Path, folder: Path, told: list[Told]) -> None:
    """What proves each incident to somebody who has nothing of this stack."""
    folder.mkdir(parents=True, exist_ok=True)
    log = log_of_stack(data)
    assert log is not None
    with steps("writing the dossiers") as tell:
        for one in told:
            archive = dossier_of(log, one.incident, heads_from_stack(data, one.incident), tell)
            (folder / f"{one.story.incident}.zip").write_bytes(archive)
