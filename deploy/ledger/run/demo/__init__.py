"""`ledger demo`: real incidents through all five events on a stack of its own, their reports, and
the log verified."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.check.stacks import verified_stack
from deploy.ledger.printing import say
from deploy.ledger.run.demo.papers import write_dossiers
from deploy.ledger.run.demo.playing import play
from deploy.ledger.run.demo.showing import show, show_what_next
from deploy.ledger.run.demo.stage import stage
from deploy.ledger.run.options import or_say_why


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
    with or_say_why(), stage(folder, data, keep=keep) as running:
        took = time.monotonic() - began
        say(f"A real Kafka, a real Postgres and four services run, after {took:.1f} s.")
        say()
        told = asyncio.run(play(running, reports))
        write_dossiers(data, dossiers, {one.story.incident: one.incident for one in told})
        verified = verified_stack(data)
    show(told, running.inbox)
    verified.show()
    show_what_next(folder, data, told, keep=keep)
    say()
    say(f"Done in {time.monotonic() - began:.0f} s.")
    raise typer.Exit(1 if verified.findings else 0)
