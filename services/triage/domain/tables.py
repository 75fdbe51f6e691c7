"""The tables that the rules read, by edition: classes of action, their gates, the facts that count,
the seats of a confirmed incident, the reasons for which an incident may be dismissed, and what
grades its severity (`severity`).

The tables of an edition never change. A new edition is a row of `EDITIONS`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.triage.domain.severity import FIRST_GRADING, Grading
from shared.contract.editions import Editions
from shared.contract.vocabulary import (
    BASIC_FACTS,
    ActionClass,
    ActionKind,
    Confidence,
    Determination,
    DismissalReason,
    FactKey,
    GateName,
    Seat,
)

ACTIONS: Final[Mapping[ActionClass, tuple[ActionKind, ...]]] = {
    ActionClass.PROTECTIVE: (
        ActionKind.PRESERVE_EVIDENCE,
        ActionKind.ROTATE_SECRET,
        ActionKind.REVOKE_ACCESS,
    ),
    ActionClass.CORRECTIVE: (
        ActionKind.ASK_AUTHOR_TO_REMOVE,
        ActionKind.PLATFORM_REPORT,
        ActionKind.DSA16_NOTICE,
        ActionKind.DMCA_NOTICE,
        ActionKind.SEARCH_DEINDEX,
        ActionKind.CACHE_PURGE,
        ActionKind.WITHDRAW_DOCUMENT,
        ActionKind.COURT_ORDER,
    ),
    ActionClass.AGAINST_A_PERSON: (
        ActionKind.DISCIPLINE,
        ActionKind.SUSPENSION,
        ActionKind.LEGAL_CLAIM,
    ),
}

CLASS_OF: Final = {kind: action_class for action_class, kinds in ACTIONS.items() for kind in kinds}

GATES: Final[Mapping[ActionClass, tuple[GateName, ...]]] = {
    ActionClass.PROTECTIVE: (),
    ActionClass.CORRECTIVE: (
        GateName.FACTS,
        GateName.LEGAL,
        GateName.AUTHORISATION,
    ),
    ActionClass.AGAINST_A_PERSON: (
        GateName.FACTS,
        GateName.CONFIRMED_ASSESSMENT,
        GateName.LEGAL,
        GateName.PROTECTED_ACTIVITY,
        GateName.AUTHORISATION,
    ),
}
"""The gates of each class, in the order in which they are asked. Authorising an action asks all but
the authorisation itself; carrying it out asks every gate again."""

BREAKABLE: Final[Mapping[ActionClass, tuple[GateName, ...]]] = {
    ActionClass.PROTECTIVE: (),
    ActionClass.CORRECTIVE: (GateName.FACTS, GateName.LEGAL, GateName.AUTHORISATION),
    ActionClass.AGAINST_A_PERSON: (),
}
"""The gates that break-glass may pass. It never passes a refusal by legal, and nothing against a
person: the urgent part there is revoking access, which is protective."""

REQUIRED_FACTS: Final[Mapping[ActionClass, tuple[FactKey, ...]]] = {
    ActionClass.PROTECTIVE: (),
    ActionClass.CORRECTIVE: BASIC_FACTS,
    ActionClass.AGAINST_A_PERSON: (
        *BASIC_FACTS,
        FactKey.WHO_POSTED,
        FactKey.HOW_POSTER_IS_KNOWN,
    ),
}

SUFFICIENT: Final[Mapping[ActionClass, tuple[Confidence, ...]]] = {
    ActionClass.PROTECTIVE: (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH),
    ActionClass.CORRECTIVE: (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH),
    ActionClass.AGAINST_A_PERSON: (Confidence.MEDIUM, Confidence.HIGH),
}
"""The confidence with which a required fact counts. The value "unknown" never counts."""

SEATS_TO_CONFIRM: Final = (Seat.LEGAL, Seat.COMMUNICATIONS, Seat.IT)
"""The seats that must be filled before an incident is assessed as confirmed."""

OVERRIDDEN: Final = "overridden"
"""In place of a row of the severity table, where a person gave another severity with a reason."""

NOT_YET: Final = None
"""No assessment, as a column of the table of dismissals."""

DISMISSIBLE: Final[Mapping[DismissalReason, tuple[Determination | None, ...]]] = {
    DismissalReason.NOT_AN_INCIDENT: (Determination.FALSE_POSITIVE, Determination.NEAR_MISS),
    DismissalReason.DUPLICATE: (
        NOT_YET,
        Determination.FALSE_POSITIVE,
        Determination.NEAR_MISS,
        Determination.SUSPECTED,
    ),
    DismissalReason.AUTHORISED_DISCLOSURE: (
        Determination.FALSE_POSITIVE,
        Determination.NEAR_MISS,
        Determination.SUSPECTED,
    ),
    DismissalReason.ALREADY_PUBLIC: (
        Determination.FALSE_POSITIVE,
        Determination.NEAR_MISS,
        Determination.SUSPECTED,
    ),
    DismissalReason.PROTECTED_ACTIVITY: (
        Determination.FALSE_POSITIVE,
        Determination.NEAR_MISS,
        Determination.SUSPECTED,
    ),
    DismissalReason.INSUFFICIENT_INFORMATION: (NOT_YET, Determination.SUSPECTED),
}
"""The assessments on which an incident may be dismissed, by reason. A confirmed incident never is:
it ends in a review."""


@dataclass(frozen=True, slots=True)
class Tables:
    """All that triage looks up, in one edition."""

    class_of: Mapping[ActionKind, ActionClass]
    gates: Mapping[ActionClass, tuple[GateName, ...]]
    breakable: Mapping[ActionClass, tuple[GateName, ...]]
    required_facts: Mapping[ActionClass, tuple[FactKey, ...]]
    sufficient: Mapping[ActionClass, tuple[Confidence, ...]]
    seats_to_confirm: tuple[Seat, ...]
    dismissible: Mapping[DismissalReason, tuple[Determination | None, ...]]
    grading: Grading


EDITIONS: Final = Editions(
    {
        1: Tables(
            class_of=CLASS_OF,
            gates=GATES,
            breakable=BREAKABLE,
            required_facts=REQUIRED_FACTS,
            sufficient=SUFFICIENT,
            seats_to_confirm=SEATS_TO_CONFIRM,
            dismissible=DISMISSIBLE,
            grading=FIRST_GRADING,
        ),
    }
)
