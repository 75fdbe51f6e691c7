"""The tables that the rules read, by edition: which assessment opens a review, what publishing its
report waits for, and how long texts are kept. Who can supply what is missing has no editions.

The tables of an edition never change. A new edition is a row of `EDITIONS`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.review.domain.commands import Publish, RecordFinding
from shared.contract.authority import Role, who_may
from shared.contract.catalogue import (
    ActionProposed,
    Assessed,
    BreakGlassConfirmed,
    BreakGlassUsed,
    CommunicationDrafted,
    CommunicationRejected,
    CommunicationWaived,
    Contained,
    ErasureGround,
    ErasureRefused,
    ErasureRequested,
    EventData,
    FactRecorded,
    FindingRecorded,
    HoldPlaced,
    HoldReleased,
    InactionDecided,
    IncidentDismissed,
    LegalViewGiven,
    LessonRecorded,
    ObservationRecorded,
    PolicyClauseCited,
    Reported,
    ReviewTrigger,
    SendFailed,
    SendOutcomeDecided,
    Side,
    TextKind,
)
from shared.contract.editions import Editions
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

WHO_SPEAKS_FOR: Final[Mapping[Side, tuple[Role, ...]]] = {
    Side.PRIVACY: who_may("forget_as_privacy"),
    Side.LEGAL: who_may("forget_as_legal"),
}

OF_PERSONS: Final = tuple(
    ground for ground in ErasureGround if ground is not ErasureGround.RETENTION_ENDED
)
"""The grounds that somebody may give; the other is the table's below."""

MOST_TEXTS: Final = 250
"""Texts that one event erases: with the longest names they fit an envelope."""

RETENTION: Final[Mapping[TextKind, int | None]] = {
    TextKind.REPORT: 365,
    TextKind.FACT: 730,
    TextKind.ASSESSMENT: 730,
    TextKind.ACTION: 1095,
    TextKind.BREAK_GLASS: 1095,
    TextKind.MESSAGE: 1095,
    TextKind.SENDING: 180,
    TextKind.FINDING: 1095,
    TextKind.LESSON: None,
    TextKind.FORGETTING: 1095,
}
"""Days for which a kind of text is kept after its incident was dismissed or its report published;
None: until somebody asks."""

WARNINGS: Final = (14, 7, 1)
"""Days before the end at which it is said that it comes. Nothing is erased before a whole day has
passed since the last."""

KIND_OF: Final[Mapping[type[EventData], TextKind]] = {
    Reported: TextKind.REPORT,
    FactRecorded: TextKind.FACT,
    Assessed: TextKind.ASSESSMENT,
    InactionDecided: TextKind.ASSESSMENT,
    IncidentDismissed: TextKind.ASSESSMENT,
    ActionProposed: TextKind.ACTION,
    LegalViewGiven: TextKind.ACTION,
    Contained: TextKind.ACTION,
    BreakGlassUsed: TextKind.BREAK_GLASS,
    BreakGlassConfirmed: TextKind.BREAK_GLASS,
    CommunicationDrafted: TextKind.MESSAGE,
    CommunicationRejected: TextKind.MESSAGE,
    CommunicationWaived: TextKind.MESSAGE,
    SendFailed: TextKind.SENDING,
    SendOutcomeDecided: TextKind.SENDING,
    FindingRecorded: TextKind.FINDING,
    ObservationRecorded: TextKind.FINDING,
    PolicyClauseCited: TextKind.FINDING,
    LessonRecorded: TextKind.LESSON,
    ErasureRequested: TextKind.FORGETTING,
    ErasureRefused: TextKind.FORGETTING,
    HoldPlaced: TextKind.FORGETTING,
    HoldReleased: TextKind.FORGETTING,
}
"""The kind that the texts of an event are of. Every event that has texts is named here."""


@dataclass(frozen=True, slots=True)
class Tables:
    """All that review looks up, in one edition."""

    opens: Mapping[ReviewTrigger, tuple[Determination, ...]]
    closure: Mapping[Determination, tuple[Item, ...]]
    most_texts: int
    retention: Mapping[TextKind, int | None]
    warnings: tuple[int, ...]


EDITIONS: Final = Editions(
    {
        1: Tables(
            opens=OPENS,
            closure=CLOSURE,
            most_texts=MOST_TEXTS,
            retention=RETENTION,
            warnings=WARNINGS,
        ),
    }
)
