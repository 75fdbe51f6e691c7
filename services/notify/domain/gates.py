"""What a message waits for: the facts that it rests on and that outsiders are owed, and the
approvals of others."""

from uuid import UUID

from services.notify.domain.state import Message, State, Told, TurnedDown
from services.notify.domain.tables import (
    APPROVERS,
    INSIDE,
    OUTSIDE_FACTS,
    WHO_ESTABLISHES_FACTS,
    approvals_needed,
)
from shared.contract.authority import Role
from shared.contract.decision import Gate, Rejected
from shared.contract.vocabulary import ApprovalKind, Audience, GateName


def check_ready(message: Message, state: State) -> None:
    """All that sending waits for. Raises Rejected by the first that is missing."""
    check_cited(message.facts, state)
    check_outside(message.audience, state)
    if lacking := approvals_lacking(message):
        rule = "legal" if lacking == (ApprovalKind.LEGAL,) else "approval"
        missing = tuple(f"{kind}_approval" for kind in lacking)
        detail = f"A message to {message.audience} is not sent without approval by: {' and '.join(lacking)}."
        raise Rejected(rule, detail, missing=missing, who=who_approves(message))


def check_cited(facts: tuple[UUID, ...], state: State) -> None:
    if not facts:
        detail = "A statement cites the established facts that it rests on; this one cites none."
        raise Rejected("rests_on_facts", detail, missing=("facts",), who=WHO_ESTABLISHES_FACTS)
    for fact_id in facts:
        if (flaw := _flaw(fact_id, state)) is not None:
            raise flaw


def _flaw(fact_id: UUID, state: State) -> Rejected | None:
    """Why no statement can rest on this fact."""
    fact = state.facts.get(fact_id)
    if fact is None:
        rule, detail, missing = (
            "fact_not_heard",
            f"Fact {fact_id} is not known here.",
            f"fact {fact_id}",
        )
    elif (by := state.corrections.get(fact_id)) is not None:
        rule, missing = "fact_corrected", f"{fact.key}: {by} in place of {fact_id}"
        detail = f"Fact {fact.key} ({fact_id}) was corrected by {by}; draft anew on the correction."
    elif not fact.known:
        rule, missing = "fact_not_established", fact.key
        detail = f'Fact {fact.key} ({fact_id}) is "unknown": no statement can rest on it.'
    else:
        return None
    return Rejected(rule, detail, missing=(missing,), who=WHO_ESTABLISHES_FACTS)


def check_outside(audience: Audience, state: State) -> None:
    if missing := _missing_for(audience, state):
        detail = f"{audience} is outside the company, and is told nothing before these are established: {', '.join(missing)}."
        raise Rejected("facts", detail, missing=missing, who=WHO_ESTABLISHES_FACTS)


def _missing_for(audience: Audience, state: State) -> tuple[str, ...]:
    if audience in INSIDE:
        return ()
    facts = tuple(key.value for key in OUTSIDE_FACTS if key not in state.established)
    return facts if state.assessment is not None else ("assessment", *facts)


def approvals_lacking(message: Message) -> tuple[ApprovalKind, ...]:
    given = {approval.kind for approval in message.approvals}
    return tuple(kind for kind in approvals_needed(message.audience) if kind not in given)


def who_approves(message: Message) -> tuple[Role, ...]:
    """Who can supply the approvals that are lacking."""
    return tuple(role for kind in approvals_lacking(message) for role in APPROVERS[kind])


def gates(state: State) -> tuple[Gate, ...]:
    """What every message that may yet be sent waits for."""
    return tuple(
        gate for message in state.messages.values() for gate in message_gates(message, state)
    )


def message_gates(message: Message, state: State) -> tuple[Gate, ...]:
    if isinstance(message.condition, Told | TurnedDown):
        return ()
    subject = f"communication {message.id}"
    flaws = (flaw for fact_id in message.facts if (flaw := _flaw(fact_id, state)) is not None)
    missing = (
        *(name for flaw in flaws for name in flaw.missing),
        *_missing_for(message.audience, state),
    )
    facts = Gate(GateName.FACTS, subject, not missing, missing, WHO_ESTABLISHES_FACTS)
    return (
        facts,
        *(_approval_gate(kind, message, subject) for kind in approvals_needed(message.audience)),
    )


def _approval_gate(kind: ApprovalKind, message: Message, subject: str) -> Gate:
    name = GateName.LEGAL if kind is ApprovalKind.LEGAL else GateName.APPROVAL
    lacking = kind in approvals_lacking(message)
    return Gate(
        name, subject, not lacking, (f"{kind}_approval",) if lacking else (), APPROVERS[kind]
    )
