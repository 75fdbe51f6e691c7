"""What a reader sees of the gates, and which commands a caller may give next."""

import pytest

from services.notify import domain
from services.notify.domain import Approve, RequestSend, gates
from services.notify.domain.gates import LOOKS_FOR
from services.notify.domain.offers import next_commands, next_for_message
from services.notify.domain.tables import APPROVAL_AT, EDITIONS, INSIDE
from shared.contract.authority import Role, who_may
from shared.contract.catalogue.notify import (
    CommunicationApproved,
    CommunicationRequired,
    SendOutcomeUnknown,
)
from shared.contract.decision import Actor, Gate
from shared.contract.vocabulary import ApprovalKind, Audience, FactKey, GateName, Severity
from tests.unit.given import given
from tests.unit.notify.world import (
    ALL_FACTS,
    COMMS,
    COMMS_TOO,
    INSIDE_READY,
    IT,
    LEAD,
    LEGAL,
    MESSAGE,
    OTHER_MESSAGE,
    OUTSIDE_DRAFTED,
    OUTSIDE_READY,
    REPORTED,
    REQUESTED,
    RESPONDER,
    WHERE,
    WHERE_CORRECTED,
    WHERE_ESTABLISHED,
    Past,
    approved,
    assessed,
    communicated,
    drafted,
    fact,
    started,
)

SUBJECT = f"communication {MESSAGE}"
ESTABLISH = (Role.RESPONDER, Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS, Role.IT)
PEERS = (Role.LEAD, Role.COMMUNICATIONS)
EXECUTIVES_REQUIRED = CommunicationRequired(
    audience=Audience.EXECUTIVES, rule="serious_to_executives"
)


def test_a_message_inside_waits_for_its_facts_and_a_peer() -> None:
    assert gates(given(domain, REPORTED, WHERE_ESTABLISHED, drafted()).state) == (
        Gate(GateName.FACTS, SUBJECT, True),
        Gate(GateName.APPROVAL, SUBJECT, False, ("peer_approval",), PEERS),
    )


def test_a_message_outside_also_waits_for_the_required_facts_the_assessment_and_legal() -> None:
    missing = ("assessment", "authentic_and_ours", "information_kind", "still_live", "who_can_see")
    past = given(domain, REPORTED, WHERE_ESTABLISHED, drafted(Audience.PRESS), approved())
    assert gates(past.state) == (
        Gate(GateName.FACTS, SUBJECT, False, missing, ESTABLISH),
        Gate(GateName.APPROVAL, SUBJECT, True),
        Gate(GateName.LEGAL, SUBJECT, False, ("legal_approval",), (Role.LEGAL,)),
    )


def test_all_gates_of_an_approved_message_are_open() -> None:
    assert [gate.open for gate in gates(given(domain, *OUTSIDE_READY).state)] == [True, True, True]


def test_a_correction_closes_the_gate_by_name() -> None:
    past = given(domain, *INSIDE_READY, fact(FactKey.WHERE, WHERE_CORRECTED, corrects=WHERE))
    facts, _ = gates(past.state)
    assert (facts.open, facts.missing) == (
        False,
        (f"where: {WHERE_CORRECTED} in place of {WHERE}",),
    )


def test_a_message_that_was_delivered_waits_for_nothing() -> None:
    assert gates(given(domain, *INSIDE_READY, communicated()).state) == ()


@pytest.mark.parametrize(
    ("past", "caller", "commands"),
    [
        ((REPORTED,), LEAD, ()),
        ((REPORTED, WHERE_ESTABLISHED), RESPONDER, ("draft_communication",)),
        ((REPORTED, WHERE_ESTABLISHED), IT, ()),
        ((REPORTED, fact(FactKey.WHERE, WHERE, known=False)), RESPONDER, ()),
        ((REPORTED, assessed(Severity.HIGH), EXECUTIVES_REQUIRED), LEGAL, ("waive",)),
        ((REPORTED, assessed(Severity.HIGH), EXECUTIVES_REQUIRED), COMMS, ()),
        ((REPORTED, WHERE_ESTABLISHED, drafted()), COMMS, ("draft_communication", "reject")),
        (
            (REPORTED, WHERE_ESTABLISHED, drafted()),
            LEAD,
            ("draft_communication", "approve", "reject"),
        ),
        ((REPORTED, WHERE_ESTABLISHED, drafted()), LEGAL, ("draft_communication", "reject")),
        (INSIDE_READY, COMMS, ("draft_communication", "reject", "request_send")),
        (OUTSIDE_DRAFTED, LEGAL, ("draft_communication", "approve", "reject")),
        (OUTSIDE_READY, COMMS_TOO, ("draft_communication", "reject", "request_send")),
        ((*INSIDE_READY, REQUESTED, started()), LEAD, ("draft_communication",)),
        (
            (
                *INSIDE_READY,
                REQUESTED,
                started(),
                SendOutcomeUnknown(communication_id=MESSAGE, attempt=1),
            ),
            LEAD,
            ("draft_communication", "decide_outcome"),
        ),
    ],
)
def test_the_next_commands_are_those_that_would_be_carried_out(
    past: Past, caller: Actor, commands: tuple[str, ...]
) -> None:
    assert next_commands(given(domain, *past).state, caller) == commands


def test_each_message_has_its_own_next_commands() -> None:
    state = given(domain, *INSIDE_READY, drafted(message=OTHER_MESSAGE)).state
    assert next_for_message(state.messages[MESSAGE], state, LEAD) == ("reject", "request_send")
    assert next_for_message(state.messages[OTHER_MESSAGE], state, LEAD) == ("approve", "reject")


def test_a_caller_of_two_roles_is_offered_the_approval_that_is_lacking() -> None:
    both = Actor("both", frozenset({Role.LEGAL, Role.COMMUNICATIONS}))
    state = given(domain, *OUTSIDE_DRAFTED, approved(LEGAL, ApprovalKind.LEGAL)).state
    assert "approve" in next_for_message(state.messages[MESSAGE], state, both)


@pytest.mark.parametrize(
    ("rule", "past", "missing"),
    [
        ("rests_on_facts", (REPORTED, drafted(facts=())), ("facts",)),
        ("fact_not_heard", (REPORTED, drafted()), (f"fact {WHERE}",)),
        (
            "fact_not_established",
            (REPORTED, fact(FactKey.WHERE, WHERE, known=False), drafted()),
            ("where",),
        ),
        (
            "fact_corrected",
            (*INSIDE_READY, fact(FactKey.WHERE, WHERE_CORRECTED, corrects=WHERE)),
            (f"where: {WHERE_CORRECTED} in place of {WHERE}",),
        ),
    ],
)
def test_a_gate_shows_what_a_request_is_refused_for(
    rule: str, past: Past, missing: tuple[str, ...]
) -> None:
    facts, _ = gates(given(domain, *past).state)
    assert (facts.open, facts.missing, facts.who) == (False, missing, ESTABLISH)
    asked = given(domain, *past).when(RequestSend(MESSAGE), by=COMMS)
    assert asked.then_rejected(rule, missing=missing).who == ESTABLISH


def test_all_facts_known_only_an_assessment_is_lacking_and_those_who_assess_supply_it() -> None:
    facts, *_ = gates(given(domain, REPORTED, *ALL_FACTS, drafted(Audience.PRESS)).state)
    assert (facts.missing, facts.who) == (("assessment",), who_may("assess"))


def test_an_approval_waits_for_the_facts_but_not_for_the_other_approval() -> None:
    given(domain, *OUTSIDE_DRAFTED).when(Approve(MESSAGE), by=LEGAL).then(
        CommunicationApproved(communication_id=MESSAGE, approval=ApprovalKind.LEGAL)
    )


@pytest.mark.parametrize("audience", Audience)
def test_each_audience_has_a_way_through_gates_that_all_can_be_looked_through(
    audience: Audience,
) -> None:
    names = EDITIONS.under().gates_before(audience)
    assert set(names) <= set(LOOKS_FOR)
    assert names[0] is GateName.FACTS
    assert [APPROVAL_AT[name] for name in names[1:]] == list(
        EDITIONS.under().approvals_needed(audience)
    )
    assert (ApprovalKind.LEGAL in EDITIONS.under().approvals_needed(audience)) == (
        audience not in INSIDE
    )
