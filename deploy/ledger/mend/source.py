"""`ledger source`: which callers may speak for which sources of CloudEvents, and what they may
report."""

from typing import Annotated, Any

import typer

from deploy.ledger.mend.intake import DataFolder, people_of, within
from deploy.ledger.options import or_stop
from deploy.ledger.printing import complain, say, show_json, show_table
from services.intake import queries
from services.intake.sources import registration
from shared.runtime.process import clock

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
    add_completion=False,
    help="Register the systems that report by CloudEvents: add, list, end.",
)

Subject = Annotated[str, typer.Argument(help="The subject (`sub`) of the caller's token.")]
Source = Annotated[
    str,
    typer.Argument(
        help="The `source` of its CloudEvents; with * at its end, all that begin so. Quote it."
    ),
]


@app.command()
def add(
    subject: Subject,
    source: Source,
    opens: Annotated[
        bool, typer.Option("--opens/--no-opens", help="May report new incidents.")
    ] = True,
    adds: Annotated[
        bool, typer.Option("--adds/--no-adds", help="May add to incidents that others reported.")
    ] = False,
    exercises: Annotated[
        bool, typer.Option("--exercises/--no-exercises", help="May report exercises.")
    ] = True,
    data: DataFolder = None,
) -> None:
    """Let a caller speak for a source; what was registered for the two before is replaced."""
    with or_stop():
        one = registration(subject, source, opens=opens, adds=adds, exercises=exercises)
        people = people_of(data)
        within(data, lambda connection: queries.register(connection, people, one, clock.now()))
    say(f"{subject} speaks for {source}.")


@app.command("list")
def list_(
    data: DataFolder = None,
    ended: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List who is registered for what."""
    with or_stop():
        rows = [
            row
            for row in within(data, queries.all_registrations)
            if ended or row["ended_at"] is None
        ]
    if as_json:
        show_json([_as_json(row) for row in rows])
    elif rows:
        show_table(("subject", "source", "may", "since (UTC)", "until (UTC)"), map(_cells, rows))
    else:
        say("Nobody is registered; ledger source add SUBJECT SOURCE.")


@app.command()
def end(subject: Subject, source: Source, data: DataFolder = None) -> None:
    """End a registration: within two seconds the caller speaks for the source no more. What it
    reported stays."""
    with or_stop():
        people, now = people_of(data), clock.now()
        ended = within(
            data,
            lambda connection: queries.end_registration(connection, people, subject, source, now),
        )
    if not ended:
        complain("Nobody is registered so; `ledger source list` shows who is.")
        raise typer.Exit(1)
    say(f"{subject} no longer speaks for {source}.")


def _cells(row: dict[str, Any]) -> list[str]:
    may = [name for name in ("opens", "adds", "exercises") if row[name]]
    return [
        row["subject"],
        row["source"],
        ", ".join(may) or "nothing",
        f"{row['added_at']:%Y-%m-%d %H:%M:%S}",
        "" if row["ended_at"] is None else f"{row['ended_at']:%Y-%m-%d %H:%M:%S}",
    ]


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    ended = row["ended_at"]
    return {
        **row,
        "added_at": row["added_at"].isoformat(),
        "ended_at": None if ended is None else ended.isoformat(),
    }
