"""The summary: its sentences for small histories, each with one thing different."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from services.review.report import build
from shared.contract.catalogue import review, triage
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.vocabulary import (
    ActionKind,
    Answer,
    Audience,
    AudienceTier,
    Determination,
    DiscoveryMethod,
    DismissalReason,
    InformationType,
    Outcome,
    Platform,
    PostKind,
    Severity,
)
from tests.unit.given import START
from tests.unit.review.story import GLASS, PROTECT, TAKEDOWN, Spoken, events
from tests.unit.review.world import (
    GLASS_BROKEN,
    INACTION,
    ITEM,
    REPORTED,
    REQUIRED,
    TOLD,
    WAIVED,
    WORD_GIVEN,
    finding_recorded,
)

ASSESSED: Final = triage.Assessed(
    revision=1,
    determination=Determination.CONFIRMED,
    information_types=(InformationType.PII, InformationType.SOURCE_CODE),
    exposure=Exposure(audience_tier=AudienceTier.F_PRESS, still_live=Answer.NO),
    severity=Severity.CRITICAL,
    severity_rule="a_row",
)
NONE_TOLD: Final = "Nobody was told."
NONE_DONE: Final = "No action was carried out with success (no action tried)."


def but(data: EventData, **changed: Any) -> EventData:
    return data.model_copy(update=changed)


def sentences(*said: EventData) -> tuple[str, ...]:
    spoken: list[Spoken] = [(minute, "lea", data) for minute, data in enumerate(said)]
    return build(events(spoken)).summary


def contained(outcome: Outcome, action: UUID = TAKEDOWN) -> EventData:
    return triage.Contained(
        action_id=action,
        kind=ActionKind.PLATFORM_REPORT,
        action_class="corrective",
        outcome=outcome,
        carried_out_at=START - timedelta(days=1),
    )


def glass(number: int) -> EventData:
    return but(GLASS_BROKEN, break_glass_id=UUID(int=number))


def word(number: int, *, upheld: bool) -> EventData:
    return but(WORD_GIVEN, break_glass_id=UUID(int=number), upheld=upheld)


@pytest.mark.parametrize(
    ("said", "first"),
    [
        (
            (REPORTED,),
            "It was reported on 2026-03-02 09:00:00 UTC: a post of unknown kind on an unknown "
            "platform; who noticed it is unknown.",
        ),
        (
            (but(REPORTED, exercise=True, discovery=DiscoveryMethod.UNRELATED_THIRD_PARTY),),
            "An exercise was reported on 2026-03-02 09:00:00 UTC: a post of unknown kind on an "
            "unknown platform; noticed by unrelated third party.",
        ),
        (
            (
                but(
                    REPORTED,
                    exposure=Exposure(
                        platform=Platform.OTHER, platform_name="a forum", post_kind=PostKind.PASTE
                    ),
                ),
            ),
            "It was reported on 2026-03-02 09:00:00 UTC: a paste on a forum; "
            "who noticed it is unknown.",
        ),
        (
            (but(REPORTED, opens=False),),
            "The report that opened the incident is not on record here.",
        ),
    ],
)
def test_it_begins_with_the_report(said: tuple[EventData, ...], first: str) -> None:
    assert sentences(*said)[0] == first


@pytest.mark.parametrize(
    ("more", "says"), [(1, "1 further report added to it."), (3, "3 further reports added to it.")]
)
def test_it_counts_the_reports_that_add(more: int, says: str) -> None:
    assert sentences(REPORTED, *[but(REPORTED, opens=False)] * more)[1] == says


def test_a_single_report_has_nothing_added() -> None:
    assert sentences(REPORTED)[1] == "It was not assessed."


def test_the_assessment_is_told_with_what_leaked_and_how_far() -> None:
    assert sentences(REPORTED, ASSESSED)[1] == (
        "It was assessed as confirmed, severity critical (rule: a row). "
        "What leaked: pii, source-code. How far it travelled: F (press); still live: no."
    )


def test_an_assessment_may_know_little() -> None:
    little = but(ASSESSED, information_types=(), exposure=Exposure())
    assert sentences(REPORTED, ASSESSED, little)[1].endswith(
        "What leaked: unknown. How far it travelled: unknown; still live: unknown."
    )


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ((), NONE_DONE),
        (
            (contained(Outcome.FAILED), contained(Outcome.ONGOING)),
            "No action was carried out with success (1 action tried).",
        ),
        (
            (contained(Outcome.FAILED), contained(Outcome.UNKNOWN, PROTECT)),
            "No action was carried out with success (2 actions tried).",
        ),
        (
            (contained(Outcome.FAILED), contained(Outcome.SUCCESSFUL)),
            "Carried out with success: platform report on 2026-03-02 09:02:00 UTC.",
        ),
        (
            (contained(Outcome.SUCCESSFUL), contained(Outcome.SUCCESSFUL, PROTECT)),
            "Carried out with success: platform report on 2026-03-02 09:01:00 UTC; "
            "platform report on 2026-03-02 09:02:00 UTC.",
        ),
    ],
    ids=["none", "one tried", "two tried", "one", "two"],
)
def test_only_success_is_told_as_such(said: tuple[EventData, ...], says: str) -> None:
    assert sentences(REPORTED, *said)[2] == says


def test_every_decision_to_end_it_is_told_with_its_maker() -> None:
    dismissed = triage.IncidentDismissed(reason=DismissalReason.ALREADY_PUBLIC, note="so")
    assert sentences(REPORTED, INACTION, dismissed)[3:5] == (
        "Decided on 2026-03-02 09:01:00 UTC by lea: not to act.",
        "Decided on 2026-03-02 09:02:00 UTC by lea: dismissed: already public.",
    )


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ((), "No gate was passed by break-glass."),
        (
            (glass(1),),
            "Break-glass was used once: 0 upheld by a second person, 0 not upheld, "
            "1 still owed a second person's word.",
        ),
        (
            (glass(1), word(1, upheld=True)),
            "Break-glass was used once: 1 upheld by a second person, 0 not upheld, "
            "0 still owed a second person's word.",
        ),
        (
            (glass(1), glass(2), glass(3), word(2, upheld=False), word(1, upheld=True)),
            "Break-glass was used 3 times: 1 upheld by a second person, 1 not upheld, "
            "1 still owed a second person's word.",
        ),
    ],
    ids=["never", "owed", "upheld", "one of each"],
)
def test_each_use_of_break_glass_counts_once(said: tuple[EventData, ...], says: str) -> None:
    assert says in sentences(REPORTED, *said)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ((), (NONE_TOLD,)),
        ((TOLD,), ("Told: executives on 2026-03-02 09:01:00 UTC.",)),
        ((REQUIRED,), (NONE_TOLD, "Still owed a message: executives.")),
        ((REQUIRED, WAIVED), (NONE_TOLD, "A duty to tell was waived for: executives.")),
        ((REQUIRED, TOLD), ("Told: executives on 2026-03-02 09:02:00 UTC.",)),
        (
            (
                REQUIRED,
                WAIVED,
                but(REQUIRED, audience=Audience.DATA_SUBJECTS),
                but(REQUIRED, audience=Audience.PRESS),
            ),
            (
                NONE_TOLD,
                "A duty to tell was waived for: executives.",
                "Still owed a message: data subjects, press.",
            ),
        ),
    ],
    ids=["nobody", "told", "owed", "waived", "owed and told", "one of each"],
)
def test_who_was_told_and_who_is_owed_a_message(
    said: tuple[EventData, ...], says: tuple[str, ...]
) -> None:
    assert sentences(REPORTED, *said)[4:-1] == says


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ((), "The review recorded no finding, no action item, no lesson."),
        (
            (finding_recorded(ITEM), review.LessonRecorded(text="so")),
            "The review recorded 1 finding, 1 action item, 1 lesson.",
        ),
        (
            (finding_recorded(ITEM, ITEM), finding_recorded(ITEM), finding_recorded(reason="so")),
            "The review recorded 3 findings, 3 action items, no lesson.",
        ),
    ],
)
def test_it_ends_with_what_was_learned(said: tuple[EventData, ...], says: str) -> None:
    assert sentences(REPORTED, *said)[-1] == says


def test_a_second_word_on_nothing_that_was_broken_changes_nothing() -> None:
    assert sentences(REPORTED, word(int(GLASS), upheld=True)) == sentences(REPORTED)
