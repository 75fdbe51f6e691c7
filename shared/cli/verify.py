"""`ledger verify`: re-check the whole history, trusting nobody but the keys in the trust file."""

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from shared.cli.sources import DataOption, open_sources, or_stop
from shared.contract.catalogue import MILESTONES
from shared.runtime.auditing import Sources, Verification
from shared.runtime.auditing import verify as verify_sources


def verify(
    data: DataOption = None, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """Check chains, hashes, signatures and versions, and every database against the topic.

    Reads with the auditor's role and changes nothing. Exit code: 0 clean, 1 findings, 2 could not check."""
    with or_stop():
        sources = open_sources(data)
        verification = asyncio.run(check(sources, quiet=as_json))
    if as_json:
        typer.echo(json.dumps(_as_json(verification), indent=2))
    else:
        show(verification)
    raise typer.Exit(1 if verification.findings else 0)


async def check(sources: Sources, *, quiet: bool) -> Verification:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,.0f} events"))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
        tasks = {
            name: bar.add_task(name, total=None)
            for name in (*(service.value for service in sources.databases), "topic")
        }
        return await verify_sources(sources, lambda name, count: bar.update(tasks[name], completed=count))


def _as_json(verification: Verification) -> dict[str, Any]:
    return {
        "clean": not verification.findings,
        "topic": {
            "messages": verification.topic.messages,
            "events": len(verification.topic.hashes),
            "copies": verification.topic.copies,
            "incidents": len(verification.topic.incidents),
        },
        "events": dict(sorted(verification.topic.types.items())),
        "ledgers": {
            check.owner.value: {"rows": check.rows, "incidents": len(check.versions)} for check in verification.ledgers
        },
        "findings": [
            {
                "code": finding.code,
                "where": finding.where,
                "detail": finding.detail,
                "event_id": str(finding.event_id) if finding.event_id else None,
                "meaning": finding.meaning,
            }
            for finding in verification.findings
        ],
    }


def show(verification: Verification) -> None:
    console = Console()
    topic = verification.topic
    console.print(
        f"The topic holds [bold]{len(topic.hashes)}[/] events of {len(topic.incidents)} incidents"
        + (f" (and {topic.copies} copies)" if topic.copies else "")
        + ": "
        + ", ".join(f"{topic.types[name]} {name}" for name in MILESTONES)
        + f", {sum(topic.types.values()) - sum(topic.types[name] for name in MILESTONES)} others."
    )
    for check in verification.ledgers:
        console.print(f"{check.owner.value:>7}: {check.rows} rows of {len(check.versions)} incidents")
    if not verification.findings:
        console.print(
            "[green]Clean.[/] Every chain is gapless and linked, every signature holds, every version follows the one before, "
            "and the databases and the topic hold the same bytes."
        )
        return
    table = Table("code", "where", "detail", "event", "what it means", title=f"{len(verification.findings)} findings")
    for finding in verification.findings:
        table.add_row(finding.code, finding.where, finding.detail, str(finding.event_id or ""), finding.meaning)
    console.print(table)
