"""`ledger erase`: texts of an incident, or all about a person; two persons answer for it."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import typer

from deploy.ledger.forget.asking import CONFIRMING, TOKEN, URL, Refused, Review, review_of
from deploy.ledger.forget.held import incidents_of, sent_by
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
    say(_count(erased))


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
        held, _ = asyncio.run(search(data, pseudonym, mentions or []))
        review = review_of(data, by, confirmed_by)
        about = {"person": pseudonym, "mentions": mentions or []}
        wanted = [(one, body | about) for one in incidents_of(held)]
        wanted += [(one, body | {"event_id": str(event)}) for one, event in sent_by(held)]
        left = _erase(review, wanted)
    if left:
        complain(f"In {left} incidents something stays; the directory keeps the person.")
        raise typer.Exit(1)
    erase_entry(data, pseudonym, ground, by, confirmed_by)


def _erase(review: Review, several: list[tuple[UUID, dict[str, Any]]]) -> int:
    """In how many incidents something was refused, but for want of anything to erase."""
    left = set()
    for incident, body in several:
        try:
            say(f"{incident}: {_count(review.erase(incident, body))}")
        except Refused as refusal:
            if refusal.rule != "nothing_to_erase":
                note(f"{incident}: {refusal}")
                left.add(incident)
    return len(left)


def _count(erased: int) -> str:
    return "1 text is erased." if erased == 1 else f"{erased} texts are erased."
