"""The tables that the rules read: which assessment opens a review, what publishing its report waits
for, and who can supply it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from services.review.domain.commands import Publish, RecordFinding
from shared.contract.authority import Role, who_may
from shared.contract.catalogue.review import ReviewTrigger
from shared.contract.vocabulary import Determination

OPENS: Final[Mapping[ReviewTrigger, tuple[Determination, ...]]] = {
    ReviewTrigger.CONFIRMED: (Determination.CONFIRMED,),
    ReviewTrigger.REQUESTED: (
        Determination.NEAR_MISS,
        Determination.SUSPECTED,
        Determination.CONFIRMED,
    ),
}
"""How an incident must be assessed for its review to open. A confirmed one opens by itself; by hand
only if that went wrong."""


class Item(StrEnum):
    """One thing that publishing waits for."""

    CONTAINED = "contained"
    COMMUNICATIONS = "communications"
    BREAK_GLASS = "break_glass"
    FINDING = "finding"
    PUBLISHER = "publisher"


CLOSURE: Final[Mapping[Determination, tuple[Item, ...]]] = {
    Determination.CONFIRMED: (
        Item.CONTAINED,
        Item.COMMUNICATIONS,
        Item.BREAK_GLASS,
        Item.FINDING,
        Item.PUBLISHER,
    ),
    Determination.SUSPECTED: (
        Item.CONTAINED,
        Item.COMMUNICATIONS,
        Item.BREAK_GLASS,
        Item.FINDING,
        Item.PUBLISHER,
    ),
    Determination.NEAR_MISS: (Item.COMMUNICATIONS, Item.BREAK_GLASS, Item.FINDING, Item.PUBLISHER),
    Determination.FALSE_POSITIVE: (
        Item.COMMUNICATIONS,
        Item.BREAK_GLASS,
        Item.FINDING,
        Item.PUBLISHER,
    ),
}
"""What publishing waits for. In a near miss nothing got out, so there is nothing to contain; a
review that was opened before the incident turned out to be none may still end in a report."""

WHO_CAN_SUPPLY: Final[Mapping[Item, tuple[Role, ...]]] = {
    Item.CONTAINED: who_may("carry_out"),
    Item.COMMUNICATIONS: who_may("request_send"),
    Item.BREAK_GLASS: who_may("confirm_break_glass"),
    Item.FINDING: who_may(RecordFinding),
    Item.PUBLISHER: who_may(Publish),
}

WHO_ASSESSES: Final = who_may("assess")

LEAVES_NOTHING_OUT: Final = "leaves_nothing_out"
"""The rule that a published report rests on all that review knows at that moment."""
