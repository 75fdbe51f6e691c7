"""The gates as a reader sees them, and what a caller may do next: both by `decide` itself."""

from uuid import UUID

import pytest

from services.triage import domain
from services.triage.domain.offers import next_commands, next_on_action
from services.triage.domain.tables import GATES, REQUIRED_FACTS
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData
from shared.contract.decision import Actor, Gate
from shared.contract.vocabulary import ActionClass, GateName, LegalView, Outcome
from tests.unit.given import By, actor, given
from tests.unit.triage.world import (
    ACTION,
    CLAIM,
    DISMISSED,
    FACTS,
    IT,
    LEAD,
    LEAD_TOO,
    LEGAL,
    OPEN,
    PROPOSED,
    PROTECT,
    READY,
    READY_AGAINST,
    REPORTED,
    RESPONDER,
    REVIEWER,
    SEATS,
    Past,
    broken,
    contained,
    legal_view,
    proposed,
    word,
)


def gates(*past: EventData | By) -> dict[GateName, Gate]:
    return {gate.name: gate for gate in domain.gates(given(domain, *past).state)}


class TestTheGates:
    def test_before_a_confirmed_assessment_stand_the_seats(self) -> None:
        assert not gates(*OPEN)[GateName.SEATS].open
        assert gates(*OPEN)[GateName.SEATS].missing == ("legal", "communications", "it")
        assert gates(REPORTED, *SEATS)[GateName.SEATS].open

    def test_of_an_action_are_those_of_its_class_each_with_what_is_missing_and_who_can_supply_it(
        self,
    ) -> None:
        found = gates(*PROPOSED)
        assert set(found) == {GateName.SEATS, *GATES[ActionClass.CORRECTIVE]}
        assert found[GateName.FACTS].missing == tuple(REQUIRED_FACTS[ActionClass.CORRECTIVE])
        assert found[GateName.LEGAL].who == (Role.LEGAL,)
        assert found[GateName.AUTHORISATION].who == (Role.LEAD,)
        assert {gate.subject for gate in found.values()} == {"assessment", str(ACTION)}

    def test_against_a_person_are_more(self) -> None:
        found = gates(REPORTED, proposed(CLAIM))
        assert set(found) == {GateName.SEATS, *GATES[ActionClass.AGAINST_A_PERSON]}
        assert all(gate.open for gate in gates(*READY_AGAINST).values())

    def test_are_open_one_by_one(self) -> None:
        assert gates(*PROPOSED, *FACTS)[GateName.FACTS].open
        assert gates(*PROPOSED, legal_view())[GateName.LEGAL].open
        assert not gates(*PROPOSED, legal_view(LegalView.REFUSED))[GateName.LEGAL].open
        assert gates(*READY)[GateName.AUTHORISATION].open

    def test_that_are_passed_by_break_glass_say_so_and_what_is_missing_still(self) -> None:
        passed = gates(*PROPOSED, broken())[GateName.LEGAL]
        assert (passed.open, passed.passed_by_break_glass, passed.missing) == (
            True,
            True,
            ("legal_view",),
        )
        closed = gates(*PROPOSED, broken(), word(upheld=False))[GateName.LEGAL]
        assert (closed.open, closed.passed_by_break_glass) == (False, False)
        refused = gates(*PROPOSED, broken(), legal_view(LegalView.REFUSED))[GateName.LEGAL]
        assert (refused.open, refused.passed_by_break_glass) == (False, False)

    def test_of_what_is_done_or_protective_or_dismissed_or_unknown_are_none(self) -> None:
        assert set(gates(*READY, contained())) == {GateName.SEATS}
        assert set(gates(REPORTED, proposed(PROTECT))) == {GateName.SEATS}
        assert gates(REPORTED, DISMISSED) == {}
        assert gates() == {}


class TestWhatComesNext:
    @pytest.mark.parametrize(
        ("past", "person", "expected"),
        [
            ((), LEAD, ()),
            ((REPORTED, DISMISSED), LEAD, ()),
            (OPEN, REVIEWER, ()),
            (OPEN, RESPONDER, ("record_fact", "assess", "propose_action")),
            (OPEN, LEGAL, ("record_fact", "fill_seat", "propose_action")),
            (OPEN, LEAD, ("record_fact", "fill_seat", "assess", "propose_action", "dismiss")),
            (PROPOSED, LEGAL, ("record_fact", "fill_seat", "propose_action", "give_legal_view")),
            (
                (REPORTED, proposed(PROTECT)),
                IT,
                ("record_fact", "fill_seat", "propose_action", "carry_out"),
            ),
            (READY, RESPONDER, ("record_fact", "assess", "propose_action", "carry_out")),
            ((*READY, contained()), RESPONDER, ("record_fact", "assess", "propose_action")),
        ],
    )
    def test_is_what_decide_would_do(
        self, past: Past, person: Actor, expected: tuple[str, ...]
    ) -> None:
        assert next_commands(given(domain, *past).state, person) == expected

    def test_on_an_action_depends_on_who_asks(self) -> None:
        state = given(domain, *READY).state
        assert next_on_action(ACTION, state, RESPONDER) == ("carry_out",)
        assert next_on_action(ACTION, state, LEAD) == ("break_glass",), (
            "who authorised acts alone by break-glass only"
        )
        assert next_on_action(ACTION, state, LEAD_TOO) == ("authorise_action", "carry_out")
        assert next_on_action(ACTION, state, LEGAL) == ("give_legal_view", "carry_out")

    def test_break_glass_is_offered_where_a_gate_is_closed_and_may_be_passed(self) -> None:
        assert "break_glass" in next_on_action(ACTION, given(domain, *PROPOSED).state, LEAD)
        assert "break_glass" not in next_on_action(ACTION, given(domain, *READY).state, LEAD_TOO)
        assert "break_glass" not in next_on_action(
            ACTION, given(domain, REPORTED, proposed(CLAIM)).state, LEAD
        )

    def test_the_second_word_is_offered_to_the_second_person(self) -> None:
        state = given(domain, *PROPOSED, broken()).state
        assert "confirm_break_glass" not in next_commands(state, LEAD)
        assert "confirm_break_glass" in next_commands(state, LEAD_TOO)
        acted = given(
            domain, *PROPOSED, broken(), By(LEGAL.subject, contained(Outcome.FAILED))
        ).state
        assert "confirm_break_glass" not in next_commands(acted, LEGAL)

    def test_nothing_on_an_action_that_is_over(self) -> None:
        assert next_on_action(UUID(int=1), given(domain, REPORTED, DISMISSED).state, LEAD) == ()

    def test_whoever_has_no_role_may_nothing(self) -> None:
        assert next_commands(given(domain, *READY).state, actor("nobody")) == ()
