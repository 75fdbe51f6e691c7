"""The views of triage: which rows each event writes, and how far an incident has come."""

import re
from uuid import UUID

import pytest

from services.triage import views
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.notify import Communicated
from shared.contract.catalogue.review import LessonRecorded
from shared.contract.catalogue.triage import (
    ActionAuthorised,
    Assessed,
    InactionDecided,
    IncidentDismissed,
    SeatFilled,
)
from shared.contract.disclosure import stored
from shared.contract.vocabulary import ActionKind, Audience, FactKey, Outcome, Platform, Seat
from shared.runtime.say.plan import Recorded, Write
from tests.unit.concealing import bare
from tests.unit.given import INCIDENT, event
from tests.unit.triage.world import (
    ACTION,
    CLAIM,
    DISMISSED,
    FACT,
    GLASS,
    PROTECT,
    REPORTED,
    TAKEDOWN,
    UNHEARD_OF,
    assessed,
    broken,
    contained,
    fact,
    legal_view,
    proposed,
    word,
)
from tests.unit.walk import walks

COMMUNICATED = Communicated(
    communication_id=UUID(int=1),
    audience=Audience.EXECUTIVES,
    channel="mail",
    texts=("A" * 43,),
    facts=(),
    approved_by=("lea",),
    attempt=1,
)


def writes(data: EventData, version: int = 7, by: str = "somebody") -> list[Write]:
    return list(views.project(Recorded(event(bare(data), by=by), version)))


def tables(data: EventData) -> list[str]:
    """Verb and table of each write, in order."""
    return [
        " ".join(write.sql.replace("INSERT INTO", "INSERT").split()[:2]) for write in writes(data)
    ]


def stages(data: EventData) -> list[str]:
    return [
        views.STAGES[write.args[1]]
        for write in writes(data)
        if write.sql.startswith("UPDATE incident SET stage")
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (REPORTED, ["INSERT incident"]),
        (fact(FactKey.WHERE), ["INSERT fact"]),
        (fact(FactKey.WHERE, UNHEARD_OF, corrects=FACT), ["INSERT fact", "UPDATE fact"]),
        (SeatFilled(seat=Seat.IT, holder="ivo"), ["INSERT seat"]),
        (assessed(), ["UPDATE incident"]),
        (proposed(), ["INSERT action"]),
        (legal_view(), ["UPDATE action"]),
        (ActionAuthorised(action_id=ACTION, kind=TAKEDOWN), ["UPDATE action"]),
        (contained(Outcome.FAILED), ["UPDATE action"]),
        (contained(), ["UPDATE action", "UPDATE incident"]),
        (broken().data, ["INSERT break_glass", "UPDATE incident"]),
        (word(upheld=True), ["UPDATE break_glass", "UPDATE incident"]),
        (InactionDecided(reason="gone"), ["UPDATE incident"]),
        (DISMISSED, ["UPDATE incident", "UPDATE incident"]),
        (COMMUNICATED, ["UPDATE incident"]),
        (LessonRecorded(text="none of triage's"), []),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, EventData) else "",
)
def test_each_event_writes_its_rows(data: EventData, expected: list[str]) -> None:
    assert tables(data) == expected


@pytest.mark.parametrize(
    ("kind", "outcome", "expected"),
    [
        (TAKEDOWN, Outcome.SUCCESSFUL, ["contained"]),
        (PROTECT, Outcome.SUCCESSFUL, ["contained"]),
        (ActionKind.PRESERVE_EVIDENCE, Outcome.SUCCESSFUL, []),
        (CLAIM, Outcome.SUCCESSFUL, []),
        *((TAKEDOWN, outcome, []) for outcome in Outcome if outcome is not Outcome.SUCCESSFUL),
    ],
)
def test_only_what_contains_and_succeeds_is_containment(
    kind: ActionKind, outcome: Outcome, expected: list[str]
) -> None:
    assert stages(contained(outcome, kind)) == expected


def test_what_others_say_moves_the_stage() -> None:
    assert stages(COMMUNICATED) == ["communicated"]
    assert stages(DISMISSED) == ["dismissed"]


def test_a_correction_points_from_the_old_fact_to_the_new_one() -> None:
    correction = fact(FactKey.WHERE, UNHEARD_OF, corrects=FACT)
    assert writes(correction)[1].args == (FACT, UNHEARD_OF)


def test_a_word_owed_is_counted_up_and_down() -> None:
    assert writes(broken().data)[1].args == (INCIDENT, 1)
    assert writes(word(upheld=False))[1].args == (INCIDENT, -1)
    assert writes(word(upheld=False), by="lou")[0].args[0::2] == (GLASS, "lou")


def test_an_assessment_keeps_the_platform_that_is_known() -> None:
    """`unknown` never overwrites what a report said."""
    (write,) = writes(assessed())
    assert write.args[-1] == "unknown"
    assert "WHEN $6 = 'unknown' THEN platform" in write.sql
    seen = assessed().model_copy(update={"exposure": Exposure(platform=Platform.REDDIT)})
    (write,) = writes(seen)
    assert write.args[-1] == "reddit"


def test_a_row_has_the_version_of_its_event_so_that_a_reader_sees_one_moment() -> None:
    for data in (fact(FactKey.WHERE), proposed(), broken().data):
        assert writes(data, version=41)[0].args[2] == 41


def test_what_is_stored_is_read_back_whole() -> None:
    for walk in walks():
        for said in walk.events:
            if isinstance(said.data, Assessed | IncidentDismissed):
                kept = next(iter(writes(said.data))).args[1]
                assert stored(type(said.data), kept) == said.data


def test_every_value_has_its_place_in_the_statement() -> None:
    """A statement with a place too few or too many fails only when it is run."""
    for walk in walks()[:6]:
        for said in walk.events:
            for write in views.project(Recorded(said, 1)):
                places = {int(number) for number in re.findall(r"\$(\d+)", write.sql)}
                assert places == set(range(1, len(write.args) + 1)), write.sql


def test_only_tables_of_the_views_are_written() -> None:
    for walk in walks()[:6]:
        for said in walk.events:
            for write in views.project(Recorded(said, 1)):
                named = re.search(r"(?:INSERT INTO|UPDATE) (\w+)", write.sql)
                assert named
                assert named[1] in views.TABLES
