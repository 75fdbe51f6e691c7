"""The views of notify: which rows each event writes, and how far a message has come."""

import json
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notify import views
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.notify import (
    Communicated,
    CommunicationApproved,
    CommunicationDrafted,
    CommunicationRejected,
    CommunicationRequested,
    CommunicationRequired,
    CommunicationWaived,
    SendFailed,
    SendOutcomeDecided,
    SendOutcomeUnknown,
    SendStarted,
)
from shared.contract.catalogue.review import LessonRecorded
from shared.contract.catalogue.triage import Assessed
from shared.contract.vocabulary import ApprovalKind, Audience, Determination, Severity
from shared.runtime.say.plan import Recorded, Write
from tests.unit.concealing import bare
from tests.unit.given import INCIDENT, START, event
from tests.unit.walk import walks

MESSAGE = UUID(int=0xC1)
FACT = UUID(int=0xF1)
AT = START + timedelta(minutes=1)
"""When the events here are said."""

REPORTED = Reported(opens=True, exercise=True, channel=ReportChannel.API)
ASSESSED = Assessed(
    revision=1,
    determination=Determination.CONFIRMED,
    information_types=(),
    exposure=Exposure(),
    severity=Severity.HIGH,
    severity_rule="a_row",
)
REQUIRED = CommunicationRequired(audience=Audience.EXECUTIVES, rule="a_row")
WAIVED = CommunicationWaived(audience=Audience.EXECUTIVES, reason="They wrote the post.")
APPROVED = CommunicationApproved(communication_id=MESSAGE, approval=ApprovalKind.PEER)
REJECTED = CommunicationRejected(communication_id=MESSAGE, reason="not ours")
REQUESTED = CommunicationRequested(communication_id=MESSAGE)
STARTED = SendStarted(communication_id=MESSAGE, attempt=2)
FAILED = SendFailed(communication_id=MESSAGE, attempt=2, error="away", retry_at=AT)
UNKNOWN = SendOutcomeUnknown(communication_id=MESSAGE, attempt=2)
ARRIVED = SendOutcomeDecided(communication_id=MESSAGE, attempt=2, delivered=True, reason="seen")
LOST = SendOutcomeDecided(communication_id=MESSAGE, attempt=2, delivered=False, reason="not seen")
TEXTS = ("A" * 43, "B" * 43)
TOLD = Communicated(
    communication_id=MESSAGE,
    audience=Audience.EXECUTIVES,
    channel="mail",
    texts=TEXTS,
    facts=(FACT,),
    approved_by=("lea",),
    attempt=2,
)


def drafted(audience: Audience = Audience.EXECUTIVES) -> CommunicationDrafted:
    return CommunicationDrafted(
        communication_id=MESSAGE,
        audience=audience,
        channel="mail",
        title="Mind the whiteboard",
        text="It was removed.",
        facts=(FACT,),
    )


def writes(data: EventData, version: int = 7, by: str = "somebody") -> list[Write]:
    return list(views.project(Recorded(event(bare(data), by=by), version)))


def digest_in(data: EventData) -> str:
    """What stands in the event in place of its only text."""
    (digest,) = bare(data).sd
    return digest


def tables(data: EventData) -> list[str]:
    """Verb and table of each write, in order."""
    return [
        " ".join(write.sql.replace("INSERT INTO", "INSERT").split()[:2]) for write in writes(data)
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (REPORTED, ["UPDATE incident"]),
        (REPORTED.model_copy(update={"opens": False}), []),
        (ASSESSED, ["UPDATE incident"]),
        (REQUIRED, ["INSERT duty"]),
        (WAIVED, ["UPDATE duty"]),
        (drafted(), ["INSERT communication"]),
        (APPROVED, ["UPDATE communication", "UPDATE communication"]),
        (REJECTED, ["UPDATE communication"]),
        (REQUESTED, ["UPDATE communication"]),
        (STARTED, ["UPDATE communication"]),
        (FAILED, ["UPDATE communication"]),
        (UNKNOWN, ["UPDATE communication"]),
        (LOST, ["UPDATE communication"]),
        (TOLD, ["UPDATE communication", "UPDATE duty"]),
        (LessonRecorded(text="none of notify's"), []),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, EventData) else "",
)
def test_each_event_writes_its_rows(data: EventData, expected: list[str]) -> None:
    assert tables(data) == expected


@pytest.mark.parametrize("data", [REPORTED, ASSESSED, REQUIRED, LessonRecorded(text="first heard")])
def test_the_first_that_is_heard_of_an_incident_begins_its_row(data: EventData) -> None:
    """Whatever it is: services are heard in any order."""
    first = writes(data, version=1)[0]
    assert first.sql.startswith("INSERT INTO incident")
    assert first.args == (INCIDENT, AT)
    assert not any("INSERT INTO incident" in write.sql for write in writes(data, version=2))


def test_only_the_report_that_opens_says_whether_it_is_an_exercise() -> None:
    (write,) = writes(REPORTED)
    assert write.args == (INCIDENT, True)


MOVES: list[tuple[EventData, dict[str, Any]]] = [
    (REJECTED, {"status": "rejected", "note": digest_in(REJECTED)}),
    (REQUESTED, {"status": "requested", "due_at": AT}),
    (STARTED, {"status": "started", "attempt": 2}),
    (FAILED, {"status": "failed", "attempt": 2, "due_at": AT, "note": digest_in(FAILED)}),
    (UNKNOWN, {"status": "outcome_unknown"}),
    (LOST, {"status": "approved", "note": digest_in(LOST)}),
    (ARRIVED, {"status": "outcome_unknown", "note": digest_in(ARRIVED)}),
]


@pytest.mark.parametrize(
    ("data", "moved"), MOVES, ids=[f"{type(data).__name__}-{to['status']}" for data, to in MOVES]
)
def test_each_step_moves_the_message(data: EventData, moved: dict[str, Any]) -> None:
    (write,) = writes(data)
    names = ("message", "status", "since", "attempt", "due_at", "note")
    said = dict(zip(names, write.args, strict=True))
    absent = dict.fromkeys(("attempt", "due_at", "note"))
    assert said == {"message": MESSAGE, "since": AT, **absent, **moved}


def test_a_failure_that_is_not_tried_again_is_not_due() -> None:
    (write,) = writes(FAILED.model_copy(update={"retry_at": None}))
    assert write.args[4] is None


@pytest.mark.parametrize(
    ("audience", "needed"), [(Audience.EXECUTIVES, 1), (Audience.REGULATOR, 2)]
)
def test_a_draft_says_how_many_approvals_it_needs(audience: Audience, needed: int) -> None:
    (write,) = writes(drafted(audience), by="cara")
    assert write.args[-1] == needed
    assert write.args[6:8] == ("cara", AT)


def test_a_draft_keeps_the_digests_of_its_texts() -> None:
    (write,) = writes(drafted())
    assert write.args[4] == list(bare(drafted()).sd)
    assert len(write.args[4]) == 2, "title and text"


def test_an_approval_is_kept_with_its_giver_and_counts_toward_the_status() -> None:
    kept, counted = writes(APPROVED, by="carl")
    (approval,) = json.loads(kept.args[1])
    assert (approval["approval"], approval["by"]) == ("peer", "carl")
    assert "jsonb_array_length(approvals) >= approvals_needed" in counted.sql


def test_what_was_told_stays_told() -> None:
    """A waiver that is heard late does not undo it."""
    for data in (WAIVED, TOLD):
        settled = writes(data, by="lea")[-1]
        assert settled.sql.rstrip().endswith("status <> 'told'")
    assert writes(WAIVED, by="lea")[-1].args == (
        INCIDENT,
        "executives",
        "waived",
        AT,
        "lea",
        digest_in(WAIVED),
    )
    assert writes(TOLD)[-1].args[2] == "told"


def test_what_is_delivered_is_not_due() -> None:
    told = writes(TOLD)[0]
    assert told.args[:2] == (MESSAGE, "communicated")
    assert "due_at = NULL" in told.sql


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
