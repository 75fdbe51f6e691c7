"""`ledger status`: what runs on a data folder, where it answers, and how it is."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from deploy.ledger.printing import Cell, bad, good, say, show_json, show_table
from deploy.ledger.run.options import DataFolder, or_say_why
from deploy.ledger.run.standing import describe
from deploy.local import state


def status(
    data: DataFolder = state.DEFAULT_DATA,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show processes, addresses, readiness and lag. Exit code: 0 all is ready, 1 not."""
    with or_say_why():
        about = asyncio.run(describe(state.load(data)))
    if as_json:
        show_json(about)
    else:
        _show(about)
    raise typer.Exit(0 if about["ready"] else 1)


def _show(about: Mapping[str, Any]) -> None:
    rows: list[tuple[Cell, ...]] = []
    for name, service in about["services"].items():
        ready = good("yes") if service["ready"] else bad("no")
        rows.append((name, service["url"], ready, _lag(service["lag"]), *_columns(service)))
    kafka, postgres = about["kafka"], about["postgres"]
    rows.append(("kafka", kafka["bootstrap"], "", "", *_columns(kafka)))
    rows.append(("postgres", postgres["address"], "", "", *_columns(postgres)))
    show_table(("name", "address", "ready", "lag", "process", "up", "restarts"), rows)
    say("messages sent by the channel that a stack begins with lie in ", about["inbox"])
    log = about["log"]
    cosigned = log["witnessed_size"]
    witnessed = "nobody" if cosigned is None else f"witnesses up to {cosigned}"
    say(
        f"log {log['origin']}: {log['size']} leaves at {log['url']} (for auditors: ledger token "
        f"--role auditor), cosigned by {witnessed}; key {log['vkey']}"
    )
    for name, service in about["services"].items():
        if "why" in service:
            say(f"{name}: {service['why']}, see {service['log']}")


def _lag(lag: Mapping[str, int | None] | None) -> str:
    return " ".join(
        f"{name}={'?' if value is None else value}" for name, value in (lag or {}).items()
    )


def _columns(process: Mapping[str, Any]) -> tuple[Cell, ...]:
    if process["pid"] is None:
        return bad("gone"), "", process["restarts"]
    return process["pid"], f"{process['uptime_s']:.0f} s", process["restarts"]
