"""`ledger subject-access`: what is held about somebody, over all incidents."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.ledger.forget.held import About, Held, Why, held_about, in_directory, reporters
from deploy.ledger.forget.people import SearchedData, intake_dsn, people_of, review_dsn
from deploy.ledger.options import or_stop
from deploy.ledger.printing import say, show_json, show_table
from deploy.ledger.progress import counting
from services.intake.bodies import ReporterView
from shared.contract.catalogue import short_name
from shared.contract.catalogue.intake import Reported


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
    """Find what is held about a person: what the person said, what names the person, texts that
    mention the given words, and who reported under a name or contact with one of them.

    It looks in review's database, because review hears of everything, and in intake's, which alone
    knows who reported."""
    with or_stop():
        pseudonym = people_of(data).pseudonym_of(person)
        held, reporters = asyncio.run(search(data, pseudonym, mentions or []))
        name = asyncio.run(in_directory(review_dsn(data), pseudonym))
    if as_json:
        show_json(
            {
                "person": pseudonym,
                "name": name,
                "reporters": [one.model_dump(mode="json") for one in reporters],
                "held": [_as_json(one) for one in held],
            }
        )
        return
    say(f"{pseudonym}: {name or 'not in the directory'}")
    for one in reporters:
        say(f"reported as {one.name or 'nobody'}, {one.contact or 'no contact'} ({one.reference})")
    if not held:
        say("No event is about the person.")
        return
    columns = "incident", "event", "time (UTC)", "says", "why", "texts", "erased"
    show_table(columns, map(_cells, held))


async def search(
    data: Path | None, pseudonym: str, mentions: list[str]
) -> tuple[list[Held], list[ReporterView]]:
    """What is held, and as whom the person has reported."""
    by_words = await reporters(intake_dsn(data), mentions)
    about = About(pseudonym, mentions, frozenset(one.reference for one in by_words))
    with counting() as bar:
        held = [
            one
            async for one in held_about(
                review_dsn(data), about, lambda count: bar("events", count, None)
            )
        ]
    sent = {
        one.event.data.reporter
        for one in held
        if one.why is not Why.MENTIONED and isinstance(one.event.data, Reported)
    }
    references = [reference for reference in sent if reference is not None]
    return held, await reporters(intake_dsn(data), mentions, references)


def _cells(held: Held) -> tuple[str, ...]:
    event = held.event
    return (
        str(event.subject_id),
        str(event.id),
        f"{event.time:%Y-%m-%d %H:%M:%S}",
        short_name(event.type),
        held.why,
        ", ".join(text.name for text in held.texts),
        ", ".join(one.name for one in held.erased),
    )


def _as_json(held: Held) -> dict[str, Any]:
    event = held.event
    return {
        "incident_id": str(event.subject_id),
        "event_id": str(event.id),
        "type": event.type,
        "time": event.time.isoformat(),
        "actor": event.actor,
        "why": held.why.value,
        "texts": [{"name": text.name, "value": text.value} for text in held.texts],
        "erased": [
            {"name": one.name, "at": one.erased_at.isoformat(), "ground": one.ground.value}
            for one in held.erased
        ],
    }
