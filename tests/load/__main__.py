"""`python -m tests.load`: what a stack bears, what it does with more, and that it keeps what it
accepts."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from tests.integration.servers import free_base
from tests.load import campaign, report
from tests.load.campaign import Size


def load(
    rate: Annotated[float, typer.Option(min=1, help="Reports a second of the steady load.")] = 1000,
    minutes: Annotated[float, typer.Option(min=0.05, help="How long the steady load lasts.")] = 2,
    times_over: Annotated[
        float, typer.Option(min=1, help="How many times what intake takes the overload is.")
    ] = 5,
    idle: Annotated[int, typer.Option(min=0, help="Idle connections.")] = 10_000,
    huge: Annotated[
        int, typer.Option(min=1, max=9_999, help="Events of the huge incident.")
    ] = 5_000,
    folder: Annotated[
        Path | None, typer.Option(help="Where the stack lives, and its logs stay.")
    ] = None,
    port_base: Annotated[
        int | None,
        typer.Option(help="First of its ports, as for ledger up; free ones if left out."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The table as it stands in the README.")
    ] = False,
) -> None:
    """Load a stack of its own: steadily, then with far too much, then beside callers who mean harm,
    then with one huge incident.

    At the end every accepted report must be in each service's ledger once, and nothing beside it,
    and every refusal for want of room must have said when to come again: exit code 0, otherwise 1.
    Speeds are printed as figures: the load shares the machine with the stack, and its own cost is
    among them. Takes about two minutes more than the steady load."""
    size = Size(rate, minutes * 60, times_over, 20, idle, 200, huge)
    console = Console(file=sys.stderr, highlight=False)
    with (
        tempfile.TemporaryDirectory(prefix="load-") as temporary,
        console.status("starting a stack") as status,
    ):

        def say(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                console.print(text)

        data = folder or Path(temporary)
        with campaign.stack_of_its_own(data, port_base or free_base(), status.update) as stack:
            done = uvloop.run(campaign.run(stack, size, say))
    if as_json:
        typer.echo(json.dumps(report.as_json(done), indent=2))
    elif markdown:
        typer.echo(report.markdown(done))
    else:
        report.show(done, Console(width=None if sys.stdout.isatty() else 140))
    raise typer.Exit(0 if done.sound else 1)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_show_locals=False)
    app.command()(load)
    app()
