"""Authority once: whatever a route, a decider, a gate or an offer says of roles follows from the
one table in the contract, and a new role is a member and a row there."""

import ast
from collections.abc import Iterator
from functools import cache
from typing import Final

import pytest

from shared.contract.authority import AUTHORITY, CAPACITIES, Role, command_name, who_may
from shared.contract.decision import Gate
from tests.architecture.figures import Source, sources
from tests.unit.walk import COMMANDS, NAMED, OF_PEOPLE, OF_SERVICES, Step, walks

SERVICES_OWN: Final = {
    "note_duties",  # notify's reaction to an assessment
    "start_send",  # and the four of its sender
    "record_delivered",
    "record_failure",
    "mark_unknown",
    "warn_of_retention",  # and review's worker of retention
    "end_retention",
}
"""Commands that no caller can give."""

TABLE: Final = "shared/contract/authority.py"


@cache
def follows(who: tuple[Role, ...]) -> bool:
    """Whether exactly these roles may do one thing or another of the table."""
    asked = set(who)
    rows = [set(who_may(name)) for name in NAMED]
    return asked == set().union(*(row for row in rows if row <= asked))


def refused() -> Iterator[Step]:
    return (step for walk in walks() for step in walk.steps if step.refusal is not None)


def test_every_command_is_either_for_people_and_in_the_table_or_a_services_own() -> None:
    assert {command_name(kind) for kind in OF_SERVICES} == SERVICES_OWN
    assert len(OF_PEOPLE) + len(OF_SERVICES) == len(COMMANDS)


def test_every_name_in_the_table_is_a_command_or_a_capacity_that_says_what_it_is() -> None:
    names = {command_name(kind) for kind in OF_PEOPLE}
    assert names | set(CAPACITIES) == NAMED
    assert names.isdisjoint(CAPACITIES)
    assert all(sentence.endswith(".") for sentence in CAPACITIES.values())


def test_every_role_has_a_row() -> None:
    assert tuple(AUTHORITY) == tuple(Role)


def test_no_roles_follow_from_the_table_by_accident() -> None:
    assert not follows((Role.RESPONDER,)), "alone they may nothing that others may not"
    assert not follows((Role.ADMIN,))
    assert not follows((Role.AUDITOR, Role.RESPONDER))
    assert follows(())
    assert follows((Role.LEGAL,))


def test_who_can_supply_what_a_refusal_misses_follows_from_the_table() -> None:
    rules = {step.refusal.rule for step in refused() if step.refusal and step.refusal.who}
    assert len(rules) > 15, "the walks are refused by most rules"
    odd = {
        (step.refusal.rule, step.refusal.who)
        for step in refused()
        if step.refusal and not follows(step.refusal.who)
    }
    assert odd == set()


def test_a_refusal_by_role_names_those_who_may_give_that_very_command() -> None:
    for step in refused():
        if step.refusal and step.refusal.rule == "role":
            allowed = step.refusal.who
            assert not step.by.has(*allowed)
            capacities = {"approve_as_peer", "approve_as_legal"}
            capacities |= {"forget_as_privacy", "forget_as_legal"}
            assert allowed in {who_may(type(step.command)), *map(who_may, capacities)}


def test_whoever_may_not_give_a_command_never_does() -> None:
    for step in (step for walk in walks() for step in walk.steps if step.said):
        if type(step.command) in OF_PEOPLE and command_name(type(step.command)) != "report":
            allowed = who_may(type(step.command))
            by_itself = step.by.subject.startswith("service:")
            assert by_itself or step.by.has(*allowed), step


def test_who_can_supply_what_a_gate_misses_follows_from_the_table() -> None:
    shut: set[Gate] = {gate for walk in walks() for gate in walk.gates_seen if not gate.open}
    assert {gate.name for gate in shut} >= {"facts", "legal", "authorisation", "seats", "closure"}
    assert {(gate.name, gate.who) for gate in shut if not follows(gate.who)} == set()
    assert {gate.name for gate in shut if not gate.who} == set(), "somebody can supply it"


def roles_spelt_out(source: Source) -> Iterator[str]:
    values = {role.value for role in Role}
    for node in ast.walk(source.tree):
        match node:
            case ast.Attribute(value=ast.Name(id="Role"), attr=attr) if attr.isupper():
                yield f"{source.path}:{node.lineno} Role.{attr}"
            case ast.Call(func=ast.Name(id="Role"), args=[ast.Constant(value=value)]):
                yield f"{source.path}:{node.lineno} Role({value!r})"
            case ast.Call(func=ast.Name(id="who_may"), args=[ast.Constant(value=value)]) if (
                value in values
            ):
                yield f"{source.path}:{node.lineno} who_may({value!r})"
            case ast.keyword(arg="who", value=ast.Tuple(elts=[_, *_])):
                yield f"{source.path}:{node.value.lineno} a tuple of its own"


def test_no_other_module_spells_out_a_role() -> None:
    others = [one for one in sources("services", "shared") if one.path != TABLE]
    assert len(others) > 200
    assert [place for source in others for place in roles_spelt_out(source)] == []


@pytest.mark.parametrize(
    "text",
    [
        "x = Role.LEAD",
        "x = Role('lead')",
        "x = Rejected('a', 'b', who=(lead,))",
        "x = who_may('lead')",
    ],
)
def test_a_role_that_is_spelt_out_is_found(text: str) -> None:
    assert len(list(roles_spelt_out(Source("here.py", text)))) == 1
