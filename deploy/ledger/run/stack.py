"""`ledger up` and `ledger down`: the local stack of a data folder."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.printing import complain, say, show_table
from deploy.ledger.progress import Steps, steps
from deploy.ledger.run.options import DataFolder, or_say_why
from deploy.ledger.run.starting import end, not_ready, start
from deploy.local import folder, ports, state

__all__ = ["down", "end", "start", "up"]


def up(
    data: DataFolder = state.DEFAULT_DATA,
    port_base: Annotated[
        int,
        typer.Option(
            min=ports.LOWEST,
            max=ports.HIGHEST,
            help="First of the ports: +0 Postgres, +1 Kafka, +10 intake, +20 triage, +30 notify, "
            "+40 review.",
        ),
    ] = ports.DEFAULT_BASE,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when the stack is ready; it runs on.")
    ] = False,
    services: Annotated[
        bool,
        typer.Option(
            "--services/--no-services",
            help="Without: Postgres and Kafka alone, to rebuild what was lost.",
        ),
    ] = True,
) -> None:
    """Run Postgres, Kafka and the four services here, on 127.0.0.1 only. Ctrl-C ends them all."""
    with or_say_why(), steps("starting") as tell:
        if not detach:
            _run_here(data, port_base, tell, services=services)
            return
        stack = start(data, port_base, tell, services=services)
    _show_addresses(stack)
    say(
        f"It runs on. See it with: {folder.hint('ledger status', data)}    "
        f"End it with: {folder.hint('ledger down', data)}"
    )


def down(data: DataFolder = state.DEFAULT_DATA) -> None:
    """End the stack of a data folder, and whatever a killed one left behind. The data stays."""
    with or_say_why(), steps(f"ending the stack on {data}"):
        ended = end(data)
    say(f"The stack on {data} has ended." if ended else f"No stack runs on {data}.")


def _run_here(data: Path, port_base: int, tell: Steps, *, services: bool) -> None:
    from deploy.local.supervisor import Supervisor

    def ready(missing: list[str]) -> None:
        tell.pause()
        _show_addresses(state.load(data))
        if missing:
            complain(not_ready(missing, data))
        say("Running. Ctrl-C ends it.")

    asyncio.run(Supervisor(data.absolute(), ports.Ports(port_base), tell, services).run(ready))


def _show_addresses(stack: state.Stack) -> None:
    rows = [
        (name, f"{service.url}  (/openapi.json says what it understands)")
        for name, service in stack.services.items()
    ]
    rows.append(("kafka", f"{stack.kafka_bootstrap}  topic {stack.topic}"))
    rows.append(("postgres", stack.postgres))
    show_table(("service", "address"), rows)
