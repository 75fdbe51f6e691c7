"""`ledger erase`: texts of an incident, or all about a person; two persons answer for it."""

import asyncio
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from deploy.ledger.forget.asking import CONFIRMING, TOKEN, URL, Refused, review_of
from deploy.ledger.forget.held import incidents_of
from deploy.ledger.forget.people import SearchedData, erase_entry, people_of
from deploy.ledger.forget.subject_access import search
from deploy.ledger.options import or_stop
from deploy.ledger.printing import complain, note, say
from shared.contract.catalogue.review import ErasureGround

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
    add_completion=False,
    help="Erase what people wrote, for good: texts of an incident, or all about a person. On a "
    f"local stack for the two persons who are named; with {URL} set by the tokens in {TOKEN} "
    f"(privacy) and {CONFIRMING} (legal).",
)

Ground = Annotated[ErasureGround, typer.Option(help="On which ground.")]
Reason = Annotated[str, typer.Option(help="Why; itself a text that can be erased.")]
By = Annotated[str, typer.Option(help="The person who asks, for privacy.")]
ConfirmedBy = Annotated[str, typer.Option(help="Another person, who confirms it, for legal.")]
Mentions = Annotated[
    list[str] | None, typer.Option(help="Texts with this word, in any case; repeat it for more.")
]


@app.command()
def texts(
    incident: UUID,
    ground: Ground,
    reason: Reason,
    by: By,
    confirmed_by: ConfirmedBy,
    event: Annotated[UUID | None, typer.Option(help="All texts of this event.")] = None,
    fields: Annotated[
        list[str] | None, typer.Option("--field", help="With --event: this field alone.")
    ] = None,
    mentions: Mentions = None,
    data: SearchedData = None,
) -> None:
    """Erase texts of one incident: all of an event, some of its fields, or those that mention a
    word."""
    body: dict[str, Any] = {"ground": ground.value, "reason": reason, "side": "privacy"}
    if event is not None:
        body |= {"event_id": str(event), "fields": fields or []}
    body |= {"mentions": mentions} if mentions else {}
    with or_stop():
        try:
            erased = review_of(data, by, confirmed_by).erase(incident, body)
        except Refused as refusal:
            complain(refusal)
            raise typer.Exit(1) from None
    say(f"{erased} texts are erased.")


@app.command()
def person(
    somebody: Annotated[
        str, typer.Argument(metavar="PERSON", help="The subject of the token, or the pseudonym.")
    ],
    ground: Ground,
    reason: Reason,
    by: By,
    confirmed_by: ConfirmedBy,
    mentions: Mentions = None,
    data: SearchedData = None,
) -> None:
    """Erase all that a person said, what names the person, and what mentions the given words, in
    every incident; and the person's entry in the directory.

    Where a hold stands, the texts of that incident stay, and so does the entry: run it again when
    the hold is released."""
    body: dict[str, Any] = {"ground": ground.value, "reason": reason, "side": "privacy"}
    with or_stop():
        pseudonym = people_of(data).pseudonym_of(somebody)
        body |= {"person": pseudonym, "mentions": mentions or []}
        held = asyncio.run(search(data, pseudonym, mentions or []))
        left = _erase_in(data, incidents_of(held), body, by, confirmed_by)
    if left:
        complain(f"In {left} incidents something stays; the directory keeps the person.")
        raise typer.Exit(1)
    erase_entry(data, pseudonym, ground, by, confirmed_by)


def _erase_in(
    data: Path | None, incidents: list[UUID], body: dict[str, Any], by: str, confirmed_by: str
) -> int:
    """In how many incidents something was refused, but for want of anything to erase."""
    review, left = review_of(data, by, confirmed_by), 0
    for incident in incidents:
        try:
            say(f"{incident}: {review.erase(incident, body)} texts are erased.")
        except Refused as refusal:
            if refusal.rule == "nothing_to_erase":
                continue
            note(f"{incident}: {refusal}")
            left += 1
    return left
