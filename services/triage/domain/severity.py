"""The severity of a leak: one table over the information that leaked, how far it can be seen, and
whether it is still out there.

"Unknown" counts as the worst case, so that a missing answer never makes an incident milder. The
first row that matches gives the severity and its name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from shared.contract.catalogue.base import Exposure
from shared.contract.vocabulary import (
    Answer,
    AudienceTier,
    Determination,
    InformationType,
    Severity,
    Visibility,
)


class Harm(IntEnum):
    """The damage that a kind of information does in the wrong hands."""

    ORDINARY = 1
    SERIOUS = 2
    GRAVE = 3


class Reach(IntEnum):
    """How far it can be seen."""

    INSIDE = 1
    SOME_OUTSIDERS = 2
    PUBLIC = 3
    SPREADING = 4


@dataclass(frozen=True, slots=True)
class SeverityRow:
    """Matches from this harm and this reach upwards; `out_there` asks for a post that is live, or
    was copied."""

    name: str
    severity: Severity
    determinations: tuple[Determination, ...]
    harm: Harm
    reach: Reach
    out_there: bool = False


_REAL: Final = (Determination.CONFIRMED, Determination.SUSPECTED)

TABLE: Final = (
    SeverityRow(
        "false_positive",
        Severity.INFO,
        (Determination.FALSE_POSITIVE,),
        Harm.ORDINARY,
        Reach.INSIDE,
    ),
    SeverityRow(
        "near_miss_of_grave_harm",
        Severity.LOW,
        (Determination.NEAR_MISS,),
        Harm.GRAVE,
        Reach.INSIDE,
    ),
    SeverityRow(
        "near_miss", Severity.INFO, (Determination.NEAR_MISS,), Harm.ORDINARY, Reach.INSIDE
    ),
    SeverityRow(
        "grave_and_public", Severity.CRITICAL, _REAL, Harm.GRAVE, Reach.PUBLIC, out_there=True
    ),
    SeverityRow(
        "serious_and_spreading",
        Severity.CRITICAL,
        _REAL,
        Harm.SERIOUS,
        Reach.SPREADING,
        out_there=True,
    ),
    SeverityRow("grave_and_outside", Severity.HIGH, _REAL, Harm.GRAVE, Reach.SOME_OUTSIDERS),
    SeverityRow(
        "serious_and_public", Severity.HIGH, _REAL, Harm.SERIOUS, Reach.PUBLIC, out_there=True
    ),
    SeverityRow("grave_inside", Severity.WARNING, _REAL, Harm.GRAVE, Reach.INSIDE),
    SeverityRow("serious_and_outside", Severity.WARNING, _REAL, Harm.SERIOUS, Reach.SOME_OUTSIDERS),
    SeverityRow(
        "ordinary_and_public", Severity.WARNING, _REAL, Harm.ORDINARY, Reach.PUBLIC, out_there=True
    ),
    SeverityRow("all_else", Severity.LOW, _REAL, Harm.ORDINARY, Reach.INSIDE),
)

HARM: Final[Mapping[InformationType, Harm]] = {
    InformationType.CLASSIFIED_MATERIAL: Harm.GRAVE,
    InformationType.CREDENTIALS_ADMIN: Harm.GRAVE,
    InformationType.PAYMENT: Harm.GRAVE,
    InformationType.PHI: Harm.GRAVE,
    InformationType.SECRETS: Harm.GRAVE,
    InformationType.CREDENTIALS_USER: Harm.SERIOUS,
    InformationType.FINANCIAL: Harm.SERIOUS,
    InformationType.LEGAL: Harm.SERIOUS,
    InformationType.PII: Harm.SERIOUS,
    InformationType.PROPRIETARY: Harm.SERIOUS,
    InformationType.SOURCE_CODE: Harm.SERIOUS,
    InformationType.SYSTEM: Harm.SERIOUS,
    InformationType.COMMUNICATION: Harm.ORDINARY,
    InformationType.UNKNOWN: Harm.GRAVE,
}

WHO_COULD_SEE: Final[Mapping[Visibility, Reach]] = {
    Visibility.PRIVATE_FORWARDED: Reach.INSIDE,
    Visibility.CLOSED_GROUP: Reach.INSIDE,
    Visibility.FOLLOWERS: Reach.SOME_OUTSIDERS,
    Visibility.PUBLIC: Reach.PUBLIC,
    Visibility.UNKNOWN: Reach.PUBLIC,
}
"""By itself: a closed group may be our own, so there the audience tier tells."""

HOW_FAR_IT_GOT: Final[Mapping[AudienceTier, Reach]] = {
    AudienceTier.A_INTERNAL: Reach.INSIDE,
    AudienceTier.B_FEW_OUTSIDERS: Reach.SOME_OUTSIDERS,
    AudienceTier.C_FOLLOWERS: Reach.SOME_OUTSIDERS,
    AudienceTier.D_PUBLIC: Reach.PUBLIC,
    AudienceTier.E_SPREADING: Reach.SPREADING,
    AudienceTier.F_PRESS: Reach.SPREADING,
    AudienceTier.UNKNOWN: Reach.SPREADING,
}


@dataclass(frozen=True, slots=True)
class Grading:
    """The tables that grade a leak, in one edition."""

    rows: tuple[SeverityRow, ...]
    harm: Mapping[InformationType, Harm]
    who_could_see: Mapping[Visibility, Reach]
    how_far_it_got: Mapping[AudienceTier, Reach]


FIRST_GRADING: Final = Grading(TABLE, HARM, WHO_COULD_SEE, HOW_FAR_IT_GOT)


def severity_of(
    determination: Determination,
    types: Iterable[InformationType],
    exposure: Exposure,
    by: Grading,
) -> SeverityRow:
    """The first row of the table that matches; every determination has a last row that always
    does."""
    harm = max((by.harm[kind] for kind in types), default=by.harm[InformationType.UNKNOWN])
    reach = max(by.who_could_see[exposure.visibility], by.how_far_it_got[exposure.audience_tier])
    out_there = exposure.still_live is not Answer.NO or exposure.copies != 0
    return next(
        row
        for row in by.rows
        if determination in row.determinations
        and harm >= row.harm
        and reach >= row.reach
        and (out_there or not row.out_there)
    )
