"""`ledger replay`: the history from the log, as a timeline."""

import asyncio
import json
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from shared.cli.sources import DataOption, open_sources, or_stop
from shared.contract.catalogue import MILESTONES, short_name
from shared.contract.envelope import Event, Unknown
from shared.runtime import auditing


def replay(
    data: DataOption = None,
    incident: Annotated[UUID | None, typer.Option(help="Only this incident.")] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            help="Only what was said up to this moment, UTC.",
            formats=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"],
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One envelope a line, for programs.")] = False,
) -> None:
    """Show what was said, from the topic alone: every event, in the order of time."""
    with or_stop():
        history = asyncio.run(auditing.events(open_sources(data)))
    chosen = [event for event in history if _wanted(event, incident, until)]
    if as_json:
        for event in chosen:
            typer.echo(event.envelope.decode())
        return
    table = Table("time (UTC)", "incident", "event", "by", "what", "place", box=None, pad_edge=False)
    for event in chosen:
        name = short_name(event.type)
        table.add_row(
            event.time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            str(event.incident_id)[-12:],
            f"[bold]{name}[/]" if name in MILESTONES else name,
            event.actor,
            _gist(event),
            f"{event.service}/{event.link.partition}:{event.link.sequence}",
        )
    Console().print(table)
    typer.echo(f"{len(chosen)} of {len(history)} events")


def _wanted(event: Event, incident: UUID | None, until: datetime | None) -> bool:
    in_time = until is None or event.time.replace(tzinfo=None) <= until.replace(tzinfo=None)
    return in_time and (incident is None or event.incident_id == incident)


def _gist(event: Event) -> str:
    if isinstance(event.data, Unknown):
        return event.data.reason
    said = event.data.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    plain = {name: value for name, value in said.items() if isinstance(value, str | int) and not name.endswith("_id")}
    return json.dumps(plain, ensure_ascii=False)[1:-1].replace('"', "")[:100]
