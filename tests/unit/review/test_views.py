"""The views of review: which rows each event writes."""

import json
import re
from datetime import datetime, timedelta
from typing import TypeVar

import pytest

from services.review import views
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.review import (
    ErasureRefused,
    HoldPlaced,
    HoldReleased,
    LessonRecorded,
    NextReviewSet,
    ObservationRecorded,
    Side,
)
from shared.contract.disclosure import conceal, only_digest
from shared.contract.vocabulary import ObservationKind
from shared.runtime.say.plan import Recorded, Write
from tests.unit.given import INCIDENT, START, event
from tests.unit.review.test_erasing import ERASURE, HOLD, erased, requested, text
from tests.unit.review.world import (
    DISMISSED,
    FINDING,
    ITEM,
    LATER,
    OPENED,
    REPORTED,
    TOLD,
    assessed,
    finding_recorded,
    reviewed,
)
from tests.unit.walk import walks

AT = START + timedelta(minutes=1)
"""When the events here are said."""

P = TypeVar("P", bound=EventData)

ADDED = REPORTED.model_copy(update={"opens": False})


def bare(data: P) -> P:
    """As it is said and heard: with digests in place of its texts."""
    return conceal(data, lambda: b"a salt of 16 byt")[0]


def writes(data: EventData, version: int = 7) -> list[Write]:
    return list(views.project(Recorded(event(data), version)))


def tables(data: EventData) -> list[str]:
    """Verb and table of each write, in order."""
    return [
        " ".join(write.sql.replace("INSERT INTO", "INSERT").split()[:2]) for write in writes(data)
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (REPORTED, ["UPDATE review"]),
        (ADDED, []),
        (assessed(), ["UPDATE review"]),
        (DISMISSED, ["UPDATE review"]),
        (OPENED, ["UPDATE review"]),
        (finding_recorded(reason="nothing to do"), ["UPDATE review"]),
        (finding_recorded(ITEM), ["UPDATE review", "INSERT action_item"]),
        (finding_recorded(ITEM, ITEM), ["UPDATE review", *["INSERT action_item"] * 2]),
        (LessonRecorded(text="say it earlier"), ["UPDATE review", "INSERT lesson"]),
        (NextReviewSet(on=LATER), ["UPDATE review"]),
        (reviewed(()), ["UPDATE review"]),
        (ObservationRecorded(kind=ObservationKind.WENT_WELL, text="fast"), []),
        (TOLD, []),
        (requested(text(1)), ["INSERT erasure"]),
        (ErasureRefused(erasure_id=ERASURE, reason="No."), ["UPDATE erasure"]),
        (erased(text(1)), ["INSERT erasure"]),
        (HoldPlaced(hold_id=HOLD, placed_as=Side.LEGAL, reason="A court."), ["INSERT hold"]),
        (HoldReleased(hold_id=HOLD, reason="Over."), ["UPDATE hold"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, EventData) else "",
)
def test_each_event_writes_its_rows(data: EventData, expected: list[str]) -> None:
    assert tables(data) == expected


@pytest.mark.parametrize(
    ("data", "exercise", "reported_at"),
    [
        (REPORTED, False, AT),
        (REPORTED.model_copy(update={"exercise": True}), True, AT),
        (ADDED, None, None),
        (assessed(), None, None),
        (TOLD, None, None),
    ],
    ids=["report", "exercise", "added report", "assessment", "message"],
)
def test_the_first_that_is_known_begins_the_row(
    data: EventData, exercise: bool | None, reported_at: datetime | None
) -> None:
    """In whatever order the services are heard; what only the opening report says stays unknown
    until it is heard."""
    first = writes(data, version=1)[0]
    assert first.sql.startswith("INSERT INTO review")
    assert first.args == (INCIDENT, AT, exercise, reported_at)


def test_a_report_that_is_heard_later_says_what_was_unknown() -> None:
    (write,) = writes(REPORTED, version=2)
    assert write.args == (INCIDENT, False, AT)
    assert len(writes(REPORTED, version=1)) == 1, "the first one says it in the row itself"


def test_action_items_are_numbered_from_one_within_their_finding() -> None:
    said = bare(finding_recorded(ITEM, ITEM))
    counted, *items = writes(said)
    assert counted.args == (INCIDENT, 2)
    assert [item.args[:3] for item in items] == [(FINDING, 1, INCIDENT), (FINDING, 2, INCIDENT)]
    for row, item in zip(items, said.action_items, strict=True):
        assert row.args[3:] == (only_digest(item), ITEM.owner, ITEM.due)
        assert only_digest(item)


def test_a_lesson_has_the_id_of_its_event() -> None:
    said = bare(LessonRecorded(text="say it earlier"))
    _, kept = writes(said)
    assert kept.args == (event(OPENED).id, INCIDENT, only_digest(said))


@pytest.mark.parametrize(
    "data", [finding_recorded(ITEM, reason="so"), LessonRecorded(text="say it earlier")]
)
def test_a_view_keeps_digests_and_no_text(data: EventData) -> None:
    kept = [value for write in writes(bare(data)) for value in write.args]
    assert kept
    assert not {"say it earlier", ITEM.description, "Nobody said so.", "so"} & set(kept)


def test_opening_and_publishing_are_dated() -> None:
    for data, status in ((OPENED, "open"), (reviewed(()), "published")):
        (write,) = writes(data)
        assert f"status = '{status}'" in write.sql
        assert write.args == (INCIDENT, AT)


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


def test_an_erasure_keeps_which_texts_are_gone_and_never_a_digest_of_one() -> None:
    for data in (requested(text(1), text(2)), erased(text(1), text(2))):
        (write,) = writes(data)
        listed = next(one for one in write.args if isinstance(one, str) and one.startswith("["))
        assert json.loads(listed) == [
            {"event_id": str(text(number).event_id), "name": "text"} for number in (1, 2)
        ]
        assert not any(text(1).digest in str(one) for one in write.args)


@pytest.mark.parametrize("data", [DISMISSED, reviewed(())])
def test_an_incident_is_closed_when_it_is_dismissed_or_its_report_published(
    data: EventData,
) -> None:
    (write,) = writes(data)
    assert "closed_at = $2" in write.sql
    assert write.args == (INCIDENT, AT)
