"""The tables that the rules read: classes of action, their gates, the facts that count, the seats
of a confirmed incident, and the reasons for which an incident may be dismissed."""

from collections.abc import Mapping
from typing import Final

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
