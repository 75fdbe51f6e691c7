"""Triage's rules over a history: what each event was asked with, and what is known at the end."""

from dataclasses import replace

import pytest

from services.triage import domain
from services.triage.audit import audit, commands_for, known
from services.triage.domain.commands import Assess, FillSeat, RecordFact
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.notify import CommunicationRequested
from shared.contract.catalogue.triage import Contained, SeatFilled
from shared.contract.decision import Actor, Context, Rejected
from shared.contract.vocabulary import (
    Determination,
    FactKey,
    GateName,
    Outcome,
    Seat,
    ServiceName,
    Severity,
)
from tests.unit.concealing import bare
from tests.unit.given import START, event
from tests.unit.triage.world import (
    ACTION,
    DISMISSED,
    FACT,
    LEAD,
    PROPOSED,
    READY,
    REPORTED,
    By,
    Past,
    assessed,
    broken,
    contained,
    fact,
)
from tests.unit.walk import OF_PEOPLE, walks


def history(past: Past) -> list:  # type: ignore[type-arg]
    said = [(item.data, item.subject) if isinstance(item, By) else (item, "x") for item in past]
    return [event(bare(data), number=number, by=by) for number, (data, by) in enumerate(said, 1)]


def test_a_command_comes_back_from_the_event_it_made() -> None:
    """And makes the same event again, to the last field."""
    compared = 0
    for walk in walks():
        for step in walk.steps:
            if step.service is ServiceName.TRIAGE and step.said:
                (again,) = commands_for(step.said[0])
                context = Context(step.at, step.by)
                assert tuple(domain.decide(again, step.state, context)) == step.said
                compared += 1
    assert compared > 500


def test_an_assessment_by_the_table_had_no_severity_of_its_own() -> None:
    (command,) = commands_for(assessed())
    assert isinstance(command, Assess)
    assert command.severity_override is None


def test_an_assessment_over_the_table_had_one_with_its_reason() -> None:
    over = assessed().model_copy(
        update={
            "severity_rule": "overridden",
            "severity": Severity.LOW,
            "severity_override_reason": "our own press release",
        }
    )
    (command,) = commands_for(over)
    assert (command.severity_override, command.severity_override_reason) == (
        Severity.LOW,
        "our own press release",
    )


@pytest.mark.parametrize("data", [REPORTED, CommunicationRequested(communication_id=ACTION)])
def test_what_is_not_triages_to_say_has_no_command(data: EventData) -> None:
    assert commands_for(data) == ()


def test_a_fact_and_a_seat_keep_every_word() -> None:
    (command,) = commands_for(fact(FactKey.WHERE))
    assert isinstance(command, RecordFact)
    assert (command.fact_id, command.key, command.value) == (FACT, "where", "a value")
    assert commands_for(SeatFilled(seat=Seat.IT, holder="ivo")) == (FillSeat(Seat.IT, "ivo"),)


def test_an_honest_history_has_no_violation() -> None:
    for walk in walks():
        assert list(audit(walk.events)) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"authorised_by": "nobody-at-all"}, "said_otherwise"),
        ({"kind": "dmca_notice"}, "said_otherwise"),
        ({"legal_view": None}, "said_otherwise"),
    ],
)
def test_a_containment_that_was_changed_is_found(change: dict[str, object], rule: str) -> None:
    false = Contained.model_validate(contained().model_dump() | change)
    (found,) = audit(history((*READY, false)))
    assert found.rule == rule


def test_a_history_knows_how_things_stand() -> None:
    assert known([])["status"] == "unreported"
    assert known(history((REPORTED, DISMISSED))) == {"status": "dismissed", "gates": []}
    about = known(history((*READY, contained(Outcome.FAILED), assessed(Determination.SUSPECTED))))
    assert about["status"] == "open"
    assert about["determination"] == Determination.SUSPECTED
    assert about["actions"] == {str(ACTION): "platform_report: failed"}
    assert about["second_words_owed"] == 0
    assert {gate["gate"] for gate in about["gates"]} >= {GateName.SEATS, GateName.LEGAL}


def test_a_history_knows_what_is_owed() -> None:
    assert known(history((*PROPOSED, broken())))["second_words_owed"] == 1


@pytest.mark.parametrize("kind", OF_PEOPLE, ids=lambda kind: kind.__name__)
def test_no_command_of_people_is_taken_from_somebody_without_a_role(kind: type) -> None:
    for walk in walks()[:8]:
        for step in walk.steps:
            if type(step.command) is kind and step.service is ServiceName.TRIAGE and step.said:
                nobody = replace(LEAD, roles=frozenset())
                with pytest.raises(Rejected, match="is for"):
                    domain.decide(step.command, step.state, Context(START, Actor(nobody.subject)))
