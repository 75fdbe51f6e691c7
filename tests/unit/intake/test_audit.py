"""Intake's rules over a history, and what it knows at the end; any report whatever comes back from
the event that it made."""

import random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake import domain
from services.intake.audit import audit, commands_for, known
from services.intake.domain.commands import Report
from services.intake.domain.offers import next_commands
from services.intake.domain.state import Dismissed, Open, Unopened
from services.intake.domain.tables import CLOCKS_DIFFER
from shared.contract.authority import Role, who_may
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.triage import InactionDecided, IncidentDismissed
from shared.contract.decision import Context, Missing, Rejected
from shared.contract.fidelity import has_begun
from shared.contract.vocabulary import DismissalReason, ServiceName
from tests.examples import examples
from tests.unit.given import START, actor, event
from tests.unit.walk import Walk, walks

OPENS = Reported(opens=True, channel=ReportChannel.API)
ADDS = Reported(opens=False, channel=ReportChannel.BATCH)
DISMISSED = IncidentDismissed(reason=DismissalReason.DUPLICATE, note="of another")
SOURCE = actor("monitor", Role.SOURCE)

STATES = (Unopened(), Open(exercise=False), Open(exercise=True), Dismissed())
REPORTS = st.integers(0, 2**32).map(lambda seed: Walk(random.Random(seed)).some(Report, SOURCE))


@settings(max_examples=examples(300), deadline=None)
@given(REPORTS, st.sampled_from(STATES))
def test_a_report_is_told_in_one_event_and_comes_back_from_it(
    report: Report, state: domain.State
) -> None:
    try:
        (said,) = domain.decide(report, state, Context(START, SOURCE))
    except (Rejected, Missing):
        return
    assert isinstance(said, Reported)
    assert commands_for(said) == (report,)


@settings(max_examples=examples(300), deadline=None)
@given(REPORTS, st.sampled_from(STATES))
def test_a_report_is_taken_exactly_where_it_fits(report: Report, state: domain.State) -> None:
    on_time = report.noticed_at is None or has_begun(
        report.noticed_at, report.noticed_at_fidelity, START, CLOCKS_DIFFER
    )
    match state:
        case Unopened():
            fits = report.opens
        case Open(exercise=exercise):
            fits = not report.opens and report.exercise == exercise
        case Dismissed():
            fits = False
    try:
        taken = bool(domain.decide(report, state, Context(START, SOURCE)))
    except (Rejected, Missing):
        taken = False
    assert taken == (fits and on_time)


@pytest.mark.parametrize("state", STATES, ids=repr)
@pytest.mark.parametrize("role", Role)
def test_to_report_more_is_offered_where_it_would_be_taken(state: domain.State, role: Role) -> None:
    offered = isinstance(state, Open) and role in who_may("report")
    assert next_commands(state, actor("somebody", role)) == (("report",) if offered else ())


def test_an_honest_history_has_no_violation() -> None:
    for walk in walks():
        assert list(audit(walk.events)) == []
    said = [one for walk in walks() for one in walk.events if one.service is ServiceName.INTAKE]
    assert len(said) > 50


@pytest.mark.parametrize(
    ("past", "rule"),
    [
        ((ADDS,), "never_said"),
        ((OPENS, OPENS), "opened_once"),
        ((OPENS, DISMISSED, ADDS), None),
        ((OPENS, ADDS.model_copy(update={"exercise": True})), "exercise_matches"),
    ],
    ids=["adds to nothing", "opens twice", "may not have heard", "a drill to the real thing"],
)
def test_what_could_not_be_said_is_found(past: tuple[Reported, ...], rule: str | None) -> None:
    events = [event(data, number=number) for number, data in enumerate(past, 1)]
    assert [found.rule for found in audit(events)] == ([rule] if rule else [])


def test_a_reference_that_is_none_is_beyond_the_rules() -> None:
    (found,) = audit([event(OPENS.model_copy(update={"reporter": "not a reference"}))])
    assert found.rule == "beyond_the_rules"


def test_only_reports_are_intakes_to_say() -> None:
    assert commands_for(InactionDecided(reason="gone")) == ()
    (command,) = commands_for(OPENS.model_copy(update={"reporter": UUID(int=5)}))
    assert command.reporter == UUID(int=5)


def test_a_history_knows_how_far_it_came() -> None:
    assert known([]) == {"status": "unopened"}
    assert known([event(OPENS)]) == {"status": "open", "exercise": False}
    assert known([event(OPENS), event(DISMISSED, number=2)]) == {"status": "dismissed"}
