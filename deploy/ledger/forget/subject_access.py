"""`ledger subject-access`: what is held about somebody, over all incidents."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.ledger.forget.held import Held, held_about, in_directory
from deploy.ledger.forget.people import SearchedData, people_of, review_dsn
from deploy.ledger.options import or_stop
from deploy.ledger.printing import say, show_json, show_table
from deploy.ledger.progress import counting
from shared.contract.catalogue import short_name


def subject_access(
    person: Annotated[
        str, typer.Argument(help="The subject of the person's token, or the pseudonym.")
    ],
    mentions: Annotated[
        list[str] | None,
        typer.Option(help="Also texts with this word, in any case; repeat it for more."),
    ] = None,
    data: SearchedData = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Everything, for programs and to hand over.")
    ] = False,
) -> None:
    """Find what is held about a person: what the person said, what names the person, and texts that
    mention the given words.

    It looks in review's database, because review hears of everything."""
    with or_stop():
        pseudonym = people_of(data).pseudonym_of(person)
        held = asyncio.run(search(data, pseudonym, mentions or []))
        name = asyncio.run(in_directory(review_dsn(data), pseudonym))
    if as_json:
        show_json({"person": pseudonym, "name": name, "held": [_as_json(one) for one in held]})
        return
    say(f"{pseudonym}: {name or 'not in the directory'}")
    if not held:
        say("Nothing is held.")
        return
    columns = "incident", "event", "time (UTC)", "says", "why", "texts"
    show_table(columns, map(_cells, held))


async def search(data: Path | None, pseudonym: str, mentions: list[str]) -> list[Held]:
    with counting() as bar:
        return [
            held
            async for held in held_about(
                review_dsn(data), pseudonym, mentions, lambda count: bar("events", count, None)
            )
        ]


def _cells(held: Held) -> tuple[str, ...]:
    event = held.event
    return (
        str(event.incident_id),
        str(event.id),
        f"{event.time:%Y-%m-%d %H:%M:%S}",
        short_name(event.type),
        held.why,
        ", ".join(text.name for text in held.texts),
    )


def _as_json(held: Held) -> dict[str, Any]:
    event = held.event
    return {
        "incident_id": str(event.incident_id),
        "event_id": str(event.id),
        "type": event.type,
        "time": event.time.isoformat(),
        "actor": event.actor,
        "why": held.why.value,
        "texts": [{"name": text.name, "value": text.value} for text in held.texts],
    }
