"""Whatever is asked in whatever order, by people of every role: what triage never says."""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

import pytest

from services.triage import domain
from services.triage.domain.state import Action, BrokenGlass, Dismissed, Open
from services.triage.domain.tables import BREAKABLE, CLASS_OF, GATES, SEATS_TO_CONFIRM
from shared.contract.catalogue.triage import (
    ActionAuthorised,
    ActionProposed,
    Assessed,
    BreakGlassConfirmed,
    BreakGlassUsed,
    Contained,
    FactRecorded,
    IncidentDismissed,
)
from shared.contract.envelope import Event
from shared.contract.vocabulary import (
    ActionClass,
    Determination,
    GateName,
    LegalView,
    Outcome,
    ServiceName,
)
from tests.unit.walk import Walk, walks

Told = Sequence[tuple[domain.State, Event]]
"""Each event of triage, with how things stood before it."""


def told(walk: Walk) -> Iterator[tuple[domain.State, Event]]:
    state = domain.INITIAL
    for event in walk.events:
        if event.service is ServiceName.TRIAGE:
            yield state, event
        state = domain.evolve(state, event)


def as_open(state: domain.State) -> Open:
    assert isinstance(state, Open), "said of an incident that is not open"
    return state


def glass_on(gate: GateName, data: Contained, incident: Open) -> list[BrokenGlass]:
    used = [incident.broken[one] for one in data.break_glass]
    return [one for one in used if one.gate is gate and one.action_id == data.action_id]


def begun(data: Contained, before: Action) -> bool:
    """Whether its gates were asked now: how an ongoing action ended is not refused."""
    return before.outcome is not Outcome.ONGOING or data.outcome is Outcome.ONGOING


def nothing_is_said_before_a_report_or_after_a_dismissal(told: Told) -> None:
    for state, _ in told:
        as_open(state)


def nothing_is_carried_out_against_the_word_of_legal(told: Told) -> None:
    for state, said in told:
        if isinstance(said.data, Contained):
            action = as_open(state).actions[said.data.action_id]
            if begun(said.data, action) and GateName.LEGAL in GATES[action.action_class]:
                if action.legal is None:
                    assert glass_on(GateName.LEGAL, said.data, as_open(state))
                else:
                    assert action.legal.view is not LegalView.REFUSED


def nobody_carries_out_what_only_they_authorised(told: Told) -> None:
    for state, said in told:
        if isinstance(said.data, Contained):
            action = as_open(state).actions[said.data.action_id]
            if begun(said.data, action) and action.action_class is not ActionClass.PROTECTIVE:
                others = set(action.authorised_by) - {said.actor}
                assert others or glass_on(GateName.AUTHORISATION, said.data, as_open(state))


def break_glass_passes_only_what_the_table_lets_it_pass(told: Told) -> None:
    for state, said in told:
        if isinstance(said.data, BreakGlassUsed):
            action = as_open(state).actions[said.data.action_id]
            assert said.data.gate in BREAKABLE[action.action_class]
            assert said.data.missing, "an open gate has no glass"


def no_overruled_break_glass_is_leant_on(told: Told) -> None:
    for state, said in told:
        if isinstance(said.data, Contained):
            incident = as_open(state)
            if begun(said.data, incident.actions[said.data.action_id]):
                assert all(
                    incident.broken[one].upheld is not False for one in said.data.break_glass
                )


def the_second_word_is_given_once_and_by_a_second_person(told: Told) -> None:
    spoken: set[UUID] = set()
    for state, said in told:
        if isinstance(said.data, BreakGlassConfirmed):
            used = as_open(state).broken[said.data.break_glass_id]
            assert said.data.break_glass_id not in spoken
            assert said.actor != used.by
            assert said.actor not in as_open(state).actions[used.action_id].carried_out_by
            spoken.add(said.data.break_glass_id)


def what_is_done_is_not_done_again(told: Told) -> None:
    done: set[UUID] = set()
    for _, said in told:
        if isinstance(said.data, Contained | ActionAuthorised):
            assert said.data.action_id not in done
        if isinstance(said.data, Contained) and said.data.outcome is Outcome.SUCCESSFUL:
            done.add(said.data.action_id)


def an_incident_is_confirmed_with_its_seats_filled(told: Told) -> None:
    for state, said in told:
        if isinstance(said.data, Assessed) and said.data.determination is Determination.CONFIRMED:
            assert set(SEATS_TO_CONFIRM) <= set(as_open(state).seats)


def assessments_are_numbered_without_gaps(told: Told) -> None:
    numbers = [said.data.revision for _, said in told if isinstance(said.data, Assessed)]
    assert numbers == list(range(1, len(numbers) + 1))


def a_confirmed_incident_is_never_dismissed(told: Told) -> None:
    for state, said in told:
        if isinstance(said.data, IncidentDismissed):
            assert as_open(state).determination is not Determination.CONFIRMED
            assert as_open(state).owed == ()


def a_fact_is_corrected_once_and_by_one_of_its_key(told: Told) -> None:
    corrected: set[UUID] = set()
    for state, said in told:
        if isinstance(said.data, FactRecorded) and said.data.corrects is not None:
            assert said.data.corrects not in corrected
            assert as_open(state).facts[said.data.corrects].key == said.data.key
            corrected.add(said.data.corrects)


def an_action_keeps_the_class_of_its_kind(told: Told) -> None:
    for _, said in told:
        if isinstance(said.data, ActionProposed | Contained):
            assert said.data.action_class is CLASS_OF[said.data.kind]


RULES: tuple[Callable[[Told], None], ...] = (
    nothing_is_said_before_a_report_or_after_a_dismissal,
    nothing_is_carried_out_against_the_word_of_legal,
    nobody_carries_out_what_only_they_authorised,
    break_glass_passes_only_what_the_table_lets_it_pass,
    no_overruled_break_glass_is_leant_on,
    the_second_word_is_given_once_and_by_a_second_person,
    what_is_done_is_not_done_again,
    an_incident_is_confirmed_with_its_seats_filled,
    assessments_are_numbered_without_gaps,
    a_confirmed_incident_is_never_dismissed,
    a_fact_is_corrected_once_and_by_one_of_its_key,
    an_action_keeps_the_class_of_its_kind,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_order_of_commands_breaks_a_rule(rule: Callable[[Told], None]) -> None:
    for walk in walks():
        rule(list(told(walk)))


def test_a_shut_gate_is_shown_exactly_where_carrying_out_would_be_refused() -> None:
    """Readers and deciders look at one table: an open gate is never the reason of a refusal, and a
    shut one always is."""
    compared = 0
    for walk in walks():
        for step in walk.steps:
            rule = step.refusal.rule if step.refusal else None
            if type(step.command).__name__ != "CarryOut" or rule in {None, "role", "dismissed"}:
                continue
            action = str(step.command.action_id)
            shut = [
                gate
                for gate in domain.gates(step.state)
                if gate.subject == action and not gate.open
            ]
            if rule in {"facts", "legal", "refused_by_legal", "authorisation"}:
                assert shut, rule
                assert step.refusal
                assert step.refusal.missing == shut[0].missing, "the first shut one refuses"
                compared += 1
            else:
                assert rule in {
                    "four_eyes",
                    "already_carried_out",
                    "carried_out_in_the_future",
                    "confirmed_assessment",
                    "protected_activity",
                }
    assert compared > 20


def test_the_walks_come_to_an_end_of_each_kind() -> None:
    ends = {type(walk.states[ServiceName.TRIAGE]) for walk in walks()}
    assert ends >= {Open, Dismissed}
