"""What publishing a report waits for, item by item: one table that both refuses and shows."""

from collections.abc import Callable, Mapping
from typing import Final

from services.review.domain.state import Incident, State, UnderReview
from services.review.domain.tables import EDITIONS, WHO_CAN_SUPPLY, Item
from shared.contract.decision import Actor, Gate, Lack
from shared.contract.vocabulary import Determination, GateName


def _lack(item: Item, missing: tuple[str, ...], detail: str) -> Lack:
    return Lack(GateName.CLOSURE.value, missing, WHO_CAN_SUPPLY[item], detail)


def _contained(incident: Incident, _: UnderReview, __: Actor | None) -> Lack | None:
    # Dismissing is a recorded decision not to act, too, and the only one that is left once triage
    # has ended.
    if incident.contained or incident.inaction_decided or incident.dismissed:
        return None
    detail = "no action was carried out with success, and nobody decided not to act"
    return _lack(Item.CONTAINED, ("contained_or_decision_not_to_act",), detail)


def _communications(incident: Incident, _: UnderReview, __: Actor | None) -> Lack | None:
    if not incident.owed:
        return None
    missing = tuple(f"communication_to_{audience}" for audience in incident.owed)
    detail = f"not told, and not waived with a reason: {', '.join(incident.owed)}"
    return _lack(Item.COMMUNICATIONS, missing, detail)


def _break_glass(incident: Incident, _: UnderReview, __: Actor | None) -> Lack | None:
    if not incident.words_owed:
        return None
    owed = tuple(sorted(str(broken_id) for broken_id in incident.words_owed))
    missing = tuple(f"second_word_on_break_glass_{broken_id}" for broken_id in owed)
    detail = f"a second person's word is owed on break-glass {', '.join(owed)}"
    return _lack(Item.BREAK_GLASS, missing, detail)


def _one_finding(_: Incident, under_review: UnderReview, __: Actor | None) -> Lack | None:
    if under_review.findings:
        return None
    return _lack(Item.FINDING, ("finding",), "no finding is recorded")


def _publisher(incident: Incident, _: UnderReview, actor: Actor | None) -> Lack | None:
    if actor is None or actor.subject not in incident.carried_out_by:
        return None
    detail = "a person who carried out actions does not publish the report on them"
    return _lack(Item.PUBLISHER, ("another_publisher",), detail)


LOOKS_FOR: Final[Mapping[Item, Callable[[Incident, UnderReview, Actor | None], Lack | None]]] = {
    Item.CONTAINED: _contained,
    Item.COMMUNICATIONS: _communications,
    Item.BREAK_GLASS: _break_glass,
    Item.FINDING: _one_finding,
    Item.PUBLISHER: _publisher,
}
"""What an item lacks; with an actor, when that person is to publish."""


def closure(
    incident: Incident, under_review: UnderReview, actor: Actor | None
) -> Mapping[Item, Lack | None]:
    """Each item that publishing waits for and what it still lacks, in the order of the table of the
    edition that the review was opened under. An incident that nobody assessed is held to the
    strictest row. Raises UnknownEdition."""
    tables = EDITIONS.under(under_review.edition)
    items = tables.closure[incident.determination or Determination.CONFIRMED]
    return {item: LOOKS_FOR[item](incident, under_review, actor) for item in items}


def gates(state: State, actor: Actor | None = None) -> tuple[Gate, ...]:
    """The closure gate, item by item, while a review is open; with an actor, as it stands for that
    person. Raises UnknownEdition."""
    if not isinstance(state.review, UnderReview):
        return ()
    return tuple(
        Gate.of(GateName.CLOSURE, item.value, lack)
        for item, lack in closure(state, state.review, actor).items()
    )
