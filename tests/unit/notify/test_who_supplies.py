"""Every refusal and every closed gate names exactly the roles that may do what is missing."""

import itertools
import re

import pytest

from services.notify import domain
from services.notify.domain.commands import Approve, Command, RequestSend
from shared.contract.authority import AUTHORITY, Role, who_may
from shared.contract.decision import Actor, Rejected
from shared.contract.vocabulary import ApprovalKind, Audience, FactKey
from tests.unit.given import When, given
from tests.unit.notify.world import (
    ALL_FACTS,
    COMMS,
    LEAD,
    LEGAL,
    LEGAL_APPROVED,
    MESSAGE,
    REPORTED,
    WHERE,
    WHERE_CORRECTED,
    Past,
    approved,
    assessed,
    draft,
    drafted,
    fact,
)

FACTS: tuple[Past, ...] = (
    (),
    (fact(FactKey.WHERE, WHERE, known=False),),
    ALL_FACTS[:1],
    (*ALL_FACTS, fact(FactKey.WHERE, WHERE_CORRECTED, corrects=WHERE)),
    ALL_FACTS,
)
ASSESSED: tuple[Past, ...] = ((), (assessed(),))
APPROVED: tuple[Past, ...] = ((), (approved(),), (LEGAL_APPROVED,), (approved(), LEGAL_APPROVED))
PASTS = [
    (REPORTED, *facts, *assessment, drafted(audience), *approvals)
    for facts, assessment, audience, approvals in itertools.product(
        FACTS, ASSESSED, (Audience.EXECUTIVES, Audience.PRESS), APPROVED
    )
]


def doing(missing: str) -> str:
    """What supplies it, by its name in the table of authority."""
    if found := re.fullmatch(r"(peer|legal)_approval", missing):
        return f"approve_as_{found[1]}"
    return "assess" if missing == "assessment" else "record_fact"


def supplied_by(missing: tuple[str, ...]) -> set[Role]:
    return {role for name in missing for role in who_may(doing(name))}


@pytest.mark.parametrize("past", PASTS)
def test_a_closed_gate_and_the_refusal_name_those_who_can_supply_what_is_missing(
    past: Past,
) -> None:
    now = given(domain, *past)
    closed = [gate for gate in domain.gates(now.state) if not gate.open]
    for gate in closed:
        assert set(gate.who) == supplied_by(gate.missing)
        assert len(gate.who) == len(set(gate.who))
    asked = now.when(RequestSend(MESSAGE), by=LEAD)
    if not closed:
        assert asked.decide()
        return
    with pytest.raises(Rejected) as refused:
        asked.decide()
    assert set(refused.value.missing) <= {name for gate in closed for name in gate.missing}
    assert refused.value.missing
    assert set(refused.value.who) == supplied_by(refused.value.missing)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("command", "name"),
    [
        (draft(), "draft_communication"),
        (RequestSend(MESSAGE), "request_send"),
    ],
    ids=["draft", "request"],
)
def test_a_role_is_refused_by_the_table_alone(role: Role, command: Command, name: str) -> None:
    now = given(domain, REPORTED, *ALL_FACTS, drafted())
    asked = now.when(command, by=Actor("somebody", frozenset({role})))
    if name in AUTHORITY[role]:
        assert refusal(asked) != "role"
    else:
        assert asked.then_rejected("role").who == who_may(name)


def refusal(asked: When) -> str | None:
    try:
        asked.decide()
    except Rejected as refused:
        return refused.rule
    return None


@pytest.mark.parametrize("kind", ApprovalKind)
@pytest.mark.parametrize("person", [COMMS, LEAD, LEGAL])
def test_an_approval_is_given_by_a_role_that_the_table_names_and_no_other(
    kind: ApprovalKind, person: Actor
) -> None:
    past = (REPORTED, *ALL_FACTS, assessed(), drafted(Audience.PRESS, by=Actor("a drafter")))
    asked = given(domain, *past).when(Approve(MESSAGE, kind), by=person)
    if person.has(*who_may(f"approve_as_{kind}")):
        assert asked.decide()
    else:
        assert asked.then_rejected("role").who == who_may(f"approve_as_{kind}")
