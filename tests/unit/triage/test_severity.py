"""The severity table: row by row, and that no answer is ever milder than an answer."""

import itertools
from collections.abc import Iterable

import pytest

from services.triage.domain import severity
from services.triage.domain.severity import (
    FIRST_GRADING,
    HARM,
    HOW_FAR_IT_GOT,
    TABLE,
    WHO_COULD_SEE,
    SeverityRow,
)
from shared.contract.catalogue.base import Exposure
from shared.contract.vocabulary import (
    Answer,
    AudienceTier,
    Determination,
    InformationType,
    Severity,
    Visibility,
)

SECRETS, PII, CHATTER = InformationType.SECRETS, InformationType.PII, InformationType.COMMUNICATION
ORDER = (Severity.INFO, Severity.LOW, Severity.WARNING, Severity.HIGH, Severity.CRITICAL)


def exposure(tier: AudienceTier, live: Answer = Answer.YES, copies: int | None = 0) -> Exposure:
    return Exposure(
        visibility=Visibility.CLOSED_GROUP, audience_tier=tier, still_live=live, copies=copies
    )


INSIDE, OUTSIDE = exposure(AudienceTier.A_INTERNAL), exposure(AudienceTier.C_FOLLOWERS)
PUBLIC, SPREADING = exposure(AudienceTier.D_PUBLIC), exposure(AudienceTier.E_SPREADING)
GONE = exposure(AudienceTier.D_PUBLIC, Answer.NO)


def severity_of(
    determination: Determination, types: Iterable[InformationType], exposure: Exposure
) -> SeverityRow:
    return severity.severity_of(determination, types, exposure, FIRST_GRADING)


@pytest.mark.parametrize(
    ("determination", "kind", "seen", "row"),
    [
        (Determination.FALSE_POSITIVE, SECRETS, SPREADING, "false_positive"),
        (Determination.NEAR_MISS, SECRETS, INSIDE, "near_miss_of_grave_harm"),
        (Determination.NEAR_MISS, PII, INSIDE, "near_miss"),
        (Determination.CONFIRMED, SECRETS, PUBLIC, "grave_and_public"),
        (Determination.CONFIRMED, PII, SPREADING, "serious_and_spreading"),
        (Determination.CONFIRMED, SECRETS, OUTSIDE, "grave_and_outside"),
        (Determination.CONFIRMED, SECRETS, GONE, "grave_and_outside"),
        (Determination.CONFIRMED, PII, PUBLIC, "serious_and_public"),
        (Determination.CONFIRMED, SECRETS, INSIDE, "grave_inside"),
        (Determination.CONFIRMED, PII, OUTSIDE, "serious_and_outside"),
        (Determination.CONFIRMED, PII, GONE, "serious_and_outside"),
        (Determination.CONFIRMED, CHATTER, PUBLIC, "ordinary_and_public"),
        (Determination.CONFIRMED, CHATTER, GONE, "all_else"),
        (Determination.SUSPECTED, CHATTER, INSIDE, "all_else"),
    ],
)
def test_each_row_is_reached(
    determination: Determination, kind: InformationType, seen: Exposure, row: str
) -> None:
    assert severity_of(determination, [kind], seen).name == row


def test_the_worst_of_what_leaked_counts() -> None:
    assert (
        severity_of(Determination.CONFIRMED, [CHATTER, SECRETS], PUBLIC).name == "grave_and_public"
    )


def test_copies_are_out_there_though_the_post_is_gone() -> None:
    copied = exposure(AudienceTier.D_PUBLIC, Answer.NO, 3)
    assert severity_of(Determination.CONFIRMED, [PII], copied).name == "serious_and_public"


def test_every_word_of_the_vocabulary_has_its_place() -> None:
    assert set(HARM) == set(InformationType)
    assert set(WHO_COULD_SEE) == set(Visibility)
    assert set(HOW_FAR_IT_GOT) == set(AudienceTier)
    assert {determination for row in TABLE for determination in row.determinations} == set(
        Determination
    )


@pytest.mark.parametrize("determination", Determination)
def test_unknown_is_never_milder_than_an_answer(determination: Determination) -> None:
    unknown = ORDER.index(
        severity_of(determination, [InformationType.UNKNOWN], Exposure()).severity
    )
    nothing = ORDER.index(severity_of(determination, [], Exposure()).severity)
    for kind, visibility, tier, live, copies in itertools.product(
        InformationType, Visibility, AudienceTier, Answer, (None, 0, 1)
    ):
        seen = Exposure(visibility=visibility, audience_tier=tier, still_live=live, copies=copies)
        assert ORDER.index(severity_of(determination, [kind], seen).severity) <= unknown == nothing
