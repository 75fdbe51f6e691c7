"""`ledger parked`: what could not be heard, and trying it again."""

import asyncio
import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.ledger.options import DataOption, or_stop
from deploy.ledger.printing import Cell, complain, say, show_json, show_table
from deploy.ledger.sources import open_sources
from deploy.local import state
from shared.contract.vocabulary import ServiceName
from shared.runtime.repair import auditing

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
    add_completion=False,
    help="List, show, replay and settle messages that a service could not hear.",
)


@app.command("list")
def list_(
    data: DataOption = None,
    service: Annotated[ServiceName | None, typer.Option(help="Only this service's.")] = None,
    resolved: Annotated[bool, typer.Option("--all", help="Also those that are settled.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List parked messages with their coordinates and reasons."""
    rows = _rows(data, service, resolved=resolved)
    if as_json:
        show_json([_as_json(row) for row in rows])
        return
    if not rows:
        say("Nothing is parked.")
        return
    columns = "service", "id", "reason", "message", "event", "since (UTC)", "settled", "detail"
    show_table(columns, map(_cells, rows))


@app.command()
def show(service: ServiceName, parked_id: int, data: DataOption = None) -> None:
    """Show one parked message whole, its bytes included."""
    for row in _rows(data, service, resolved=True):
        if row["parked_id"] == parked_id:
            show_json(_as_json(row))
            return
    complain(
        f"{service} has no parked message {parked_id}; "
        "`ledger parked list --all` shows what there is"
    )
    raise typer.Exit(1)


@app.command()
def replay(service: ServiceName, parked_ids: list[int], data: DataOption = None) -> None:
    """Try parked messages again, as if they had just come: after a key was added, or a bug
    mended."""
    run_service(data, service, "--replay-parked", *map(str, parked_ids))


@app.command()
def settle(
    service: ServiceName,
    parked_ids: list[int],
    reason: Annotated[str, typer.Option(help="Why it may be left as it is.")],
    by: Annotated[str, typer.Option(help="The person who proposes it.")],
    confirmed_by: Annotated[str, typer.Option(help="Another person, who has looked at it, too.")],
    data: DataOption = None,
) -> None:
    """Leave parked messages for good that are no events of this ledger, such as forged ones.

    The service says so on its chain, with the reason and both names; verify then counts them as
    settled. What waits for an event before it, or for a mended service, is not settled but
    replayed."""
    ids = [str(one) for one in parked_ids]
    said = [f"--reason={reason}", f"--proposed-by={by}", f"--confirmed-by={confirmed_by}"]
    run_service(data, service, *said, "--settle-parked", *ids)


def run_service(data: Path | None, service: ServiceName, *arguments: str) -> None:
    """Runs the service's own program on its own settings; the command line never imports a
    service."""
    with or_stop():
        environment = environment_of(data, service)
    raise typer.Exit(service_program(environment, service, *arguments))


def environment_of(data: Path | None, service: ServiceName) -> dict[str, str]:
    """The settings of a service of the local stack, or our own where they name a database. Raises
    StackError."""
    if data is None and "LEDGER_DATABASE_DSN" in os.environ:
        return dict(os.environ)
    return dict(os.environ) | state.load(data or state.DEFAULT_DATA).services[service.value].env


def service_program(environment: dict[str, str], service: ServiceName, *arguments: str) -> int:
    """Runs it to its end; its exit code."""
    return subprocess.run(
        [sys.executable, "-m", f"services.{service}", *arguments], env=environment, check=False
    ).returncode


def _rows(
    data: Path | None, service: ServiceName | None, *, resolved: bool
) -> list[dict[str, Any]]:
    with or_stop():
        databases = open_sources(data).databases
        return [
            {"by": name.value, **row}
            for name, dsn in databases.items()
            if service in {None, name}
            for row in asyncio.run(auditing.parked(dsn, resolved=resolved))
        ]


def _cells(row: dict[str, Any]) -> tuple[Cell, ...]:
    return (
        row["by"],
        row["parked_id"],
        row["reason"],
        f"{row['partition']}@{row['kafka_offset']}",
        f"{row['service']}:{row['sequence']}" if row["service"] else None,
        row["parked_at"].strftime("%Y-%m-%d %H:%M:%S"),
        row["resolution"],
        row["detail"],
    )


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    value: bytes = row["value"] or b""
    return {
        "by": row["by"],
        "parked_id": row["parked_id"],
        "reason": row["reason"],
        "detail": row["detail"],
        "partition": row["partition"],
        "offset": row["kafka_offset"],
        "service": row["service"],
        "sequence": row["sequence"],
        "key": base64.b64encode(row["message_key"] or b"").decode(),
        "value": base64.b64encode(value).decode(),
        "text": value.decode("utf-8", "replace"),
        "headers": {
            name: base64.b64decode(value).decode("utf-8", "replace")
            for name, value in json.loads(row["headers"])
        },
        "parked_at": row["parked_at"].isoformat(),
        "resolved_at": row["resolved_at"].isoformat() if row["resolved_at"] else None,
        "resolution": row["resolution"],
    }
