"""What intake's readers are shown of an incident's way, whatever the order in which the services
are heard."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake import views
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.notify import Communicated
from shared.contract.catalogue.triage import Assessed, Contained, FactRecorded, IncidentDismissed
from shared.contract.vocabulary import (
    ActionClass,
    ActionKind,
    Audience,
    Confidence,
    Determination,
    DismissalReason,
    Outcome,
    Severity,
)
from shared.runtime.say.plan import Recorded, Write
from tests.unit.concealing import bare
from tests.unit.given import START, event

ASSESSED = Assessed(
    revision=1,
    determination=Determination.CONFIRMED,
    information_types=(),
    exposure=Exposure(),
    severity=Severity.LOW,
    severity_rule="a_row",
)
COMMUNICATED = Communicated(
    communication_id=UUID(int=1),
    audience=Audience.EXECUTIVES,
    channel="mail",
    texts=("A" * 43,),
    facts=(),
    approved_by=("lea",),
    attempt=1,
)
DISMISSED = IncidentDismissed(reason=DismissalReason.DUPLICATE, note="of another")


def contained(
    kind: ActionKind, action_class: ActionClass, outcome: Outcome = Outcome.SUCCESSFUL
) -> Contained:
    return Contained(
        action_id=UUID(int=2),
        kind=kind,
        action_class=action_class,
        outcome=outcome,
        carried_out_at=START,
    )


REMOVED = contained(ActionKind.ASK_AUTHOR_TO_REMOVE, ActionClass.CORRECTIVE)


def writes(*said: EventData) -> list[Write]:
    return [
        write
        for number, data in enumerate(said, 1)
        for write in views.project(Recorded(event(bare(data), number=number), number))
    ]


def stage(*said: EventData) -> str:
    """What `greatest` in the database comes to."""
    return views.STAGES[max([0, *(write.args[1] for write in writes(*said))])]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (ASSESSED, "assessed"),
        (REMOVED, "contained"),
        (contained(ActionKind.ROTATE_SECRET, ActionClass.PROTECTIVE), "contained"),
        (contained(ActionKind.PRESERVE_EVIDENCE, ActionClass.PROTECTIVE), "received"),
        (contained(ActionKind.DISCIPLINE, ActionClass.AGAINST_A_PERSON), "received"),
        (contained(ActionKind.PLATFORM_REPORT, ActionClass.CORRECTIVE, Outcome.FAILED), "received"),
        (
            contained(ActionKind.PLATFORM_REPORT, ActionClass.CORRECTIVE, Outcome.ONGOING),
            "received",
        ),
        (COMMUNICATED, "communicated"),
        (DISMISSED, "closed"),
    ],
)
def test_the_stage_after_an_event(data: EventData, expected: str) -> None:
    assert stage(data) == expected


@given(st.permutations([ASSESSED, REMOVED, COMMUNICATED, ASSESSED]))
def test_the_furthest_stage_counts_in_any_order(said: list[EventData]) -> None:
    assert stage(*said) == "communicated"


def test_a_report_opens_its_incident_once() -> None:
    opened = writes(Reported(opens=True, channel=ReportChannel.API))
    added = writes(Reported(opens=False, channel=ReportChannel.API))
    assert [write.sql.split("(")[0].strip() for write in opened] == [
        "INSERT INTO incident",
        "INSERT INTO report",
    ]
    assert [write.sql.split("(")[0].strip() for write in added] == ["INSERT INTO report"]


def test_what_is_no_milestone_writes_nothing() -> None:
    fact = FactRecorded(
        fact_id=UUID(int=3),
        key="where",
        known=True,
        value="x",
        confidence=Confidence.LOW,
        source="x",
        observed_at=START,
    )
    assert writes(fact) == []
