"""What is offered is what would be done: the fields that the offered commands leave at some value
are fields that no rule minds."""

import random
import typing
from dataclasses import fields, replace
from typing import Any, Final

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.triage.domain import decide, next_commands
from services.triage.domain.commands import (
    Assess,
    AuthoriseAction,
    BreakGlass,
    CarryOut,
    Command,
    ConfirmBreakGlass,
    DecideInaction,
    Dismiss,
    FillSeat,
    GiveLegalView,
    ProposeAction,
    RecordFact,
)
from services.triage.domain.offers import _on_actions, _on_break_glass, _on_the_incident
from services.triage.domain.state import Open
from shared.contract.decision import SOME_TIME, Actor, Context, Rejected, name_of
from shared.contract.vocabulary import ServiceName
from tests.examples import examples
from tests.unit.walk import PEOPLE, Step, Walk, commands_of, walks

FREE: Final[dict[type, frozenset[str]]] = {
    RecordFact: frozenset({"fact_id", "key", "value", "confidence", "source"}),
    FillSeat: frozenset(),
    Assess: frozenset({"information_types", "exposure"}),
    ProposeAction: frozenset({"action_id", "target", "reason"}),
    GiveLegalView: frozenset({"ground", "conditions", "protected_activity_considered"}),
    AuthoriseAction: frozenset(),
    CarryOut: frozenset({"note"}),
    BreakGlass: frozenset({"break_glass_id", "reason"}),
    ConfirmBreakGlass: frozenset({"upheld", "note"}),
    DecideInaction: frozenset({"reason"}),
    Dismiss: frozenset({"note"}),
}
"""No rule looks at these, once the others are as they are offered."""


def states() -> list[Step]:
    """Some hundred different moments of open incidents."""
    steps = (step for walk in walks() for step in walk.steps if step.service is ServiceName.TRIAGE)
    return [step for step in steps if isinstance(step.state, Open) and step.said][::7]


def candidates(incident: Open, actor: Actor) -> list[Command]:
    return [*_on_the_incident(actor), *_on_break_glass(incident), *_on_actions(incident)]


def is_done(command: Command, incident: Open, actor: Actor) -> bool:
    try:
        return bool(decide(command, incident, Context(SOME_TIME, actor)))
    except Rejected:
        return False


def with_other_words(command: Command, by: Actor, seed: int) -> Command:
    """The same command with other values in every free field."""
    made = Walk(random.Random(seed))
    hints = typing.get_type_hints(type(command))
    other: dict[str, Any] = {
        name: made._field(name, hints[name], by) for name in FREE[type(command)]
    }
    return replace(command, **other)


@settings(max_examples=examples(150), deadline=None)
@given(st.data(), st.sampled_from(PEOPLE), st.integers(0, 2**32))
def test_no_value_of_a_free_field_changes_what_is_accepted(
    data: st.DataObject, person: Actor, seed: int
) -> None:
    incident = data.draw(st.sampled_from(states())).state
    for command in candidates(incident, person):
        other = with_other_words(command, person, seed)
        assert is_done(command, incident, person) == is_done(other, incident, person), other


@settings(max_examples=examples(100), deadline=None)
@given(st.data(), st.sampled_from(PEOPLE))
def test_what_is_offered_is_what_decide_would_do(data: st.DataObject, person: Actor) -> None:
    incident = data.draw(st.sampled_from(states())).state
    offered = next_commands(incident, person)
    assume(offered)
    assert len(offered) == len(set(offered))
    done = {name_of(one) for one in candidates(incident, person) if is_done(one, incident, person)}
    assert set(offered) == done


@pytest.mark.parametrize("kind", commands_of(ServiceName.TRIAGE), ids=lambda kind: kind.__name__)
def test_every_field_is_free_or_minded_by_a_rule(kind: type) -> None:
    assert FREE[kind] <= {one.name for one in fields(kind)}
