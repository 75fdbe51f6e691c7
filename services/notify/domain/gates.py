"""What a message waits for: the facts that it rests on and that outsiders are owed, and the
approvals of others. One table that both refuses and shows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias
from uuid import UUID

from services.notify.domain.state import Message, State, Told, TurnedDown
from services.notify.domain.tables import (
    APPROVERS,
    EDITIONS,
    WHO_ASSESSES,
    WHO_ESTABLISHES_FACTS,
    Tables,
)
from shared.contract.authority import Role
from shared.contract.decision import Gate, Lack
from shared.contract.vocabulary import ApprovalKind, Audience, GateName

LooksFor: TypeAlias = Callable[[Message, State, Tables], Iterator[Lack]]


def _facts(message: Message, state: State, tables: Tables) -> Iterator[Lack]:
    yield from uncited(message.facts, state)
    if message.audience not in tables.inside:
        yield from _unestablished(message.audience, state, tables)


def uncited(facts: Sequence[UUID], state: State) -> Iterator[Lack]:
    """Why no statement can rest on these facts, one by one."""
    if not facts:
        detail = "A statement cites the established facts that it rests on; this one cites none."
        yield Lack("rests_on_facts", ("facts",), WHO_ESTABLISHES_FACTS, detail)
    for fact_id in facts:
        if (flaw := _flaw(fact_id, state)) is not None:
            rule, missing, detail = flaw
            yield Lack(rule, (missing,), WHO_ESTABLISHES_FACTS, detail)


def _flaw(fact_id: UUID, state: State) -> tuple[str, str, str] | None:
    """The rule that a citation of this fact breaks, what is missing, the words for the person."""
    fact = state.facts.get(fact_id)
    if fact is None:
        return "fact_not_heard", f"fact {fact_id}", f"Fact {fact_id} is not known here."
    if (by := state.corrections.get(fact_id)) is not None:
        detail = f"Fact {fact.key} ({fact_id}) was corrected by {by}; draft anew on the correction."
        return "fact_corrected", f"{fact.key}: {by} in place of {fact_id}", detail
    if not fact.known:
        detail = f'Fact {fact.key} ({fact_id}) is "unknown": no statement can rest on it.'
        return "fact_not_established", fact.key, detail
    return None


def _unestablished(audience: Audience, state: State, tables: Tables) -> Iterator[Lack]:
    facts = tuple(key.value for key in tables.outside_facts if key not in state.established)
    assessment = ("assessment",) if state.assessment is None else ()
    detail = (
        f"{audience} is outside the company, and is told nothing before these are established: "
        f"{', '.join((*assessment, *facts))}."
    )
    for missing, who in ((assessment, WHO_ASSESSES), (facts, WHO_ESTABLISHES_FACTS)):
        if missing:
            yield Lack("facts", missing, who, detail)


def _approval(kind: ApprovalKind, message: Message, tables: Tables) -> Iterator[Lack]:
    if kind not in _approvals_given(message):
        detail = (
            f"A message to {message.audience} is not sent without approval by: "
            f"{' and '.join(approvals_lacking(message, tables))}."
        )
        yield Lack(_gate_of(kind, tables).value, (f"{kind}_approval",), APPROVERS[kind], detail)


def _gate_of(kind: ApprovalKind, tables: Tables) -> GateName:
    return next(gate for gate, given_there in tables.approval_at.items() if given_there is kind)


def _approval_at(gate: GateName) -> LooksFor:
    return lambda message, _, tables: _approval(tables.approval_at[gate], message, tables)


LOOKS_FOR: Final[Mapping[GateName, LooksFor]] = {
    GateName.FACTS: _facts,
    GateName.APPROVAL: _approval_at(GateName.APPROVAL),
    GateName.LEGAL: _approval_at(GateName.LEGAL),
}
"""All that a gate lacks for a message."""


def check_gates(names: Iterable[GateName], message: Message, state: State, tables: Tables) -> None:
    """Goes through the gates in order. Raises Rejected by the first lack; lacks that say the same
    are refused together."""
    lacks = [lack for name in names for lack in LOOKS_FOR[name](message, state, tables)]
    together = _together([lack for lack in lacks if lack.detail == lacks[0].detail])
    if together is not None:
        raise together.refusal()


def check_cited(facts: Sequence[UUID], state: State) -> None:
    """Raises Rejected by the first fact that no statement can rest on."""
    for lack in uncited(facts, state):
        raise lack.refusal()


def _together(lacks: Sequence[Lack]) -> Lack | None:
    """Several lacks as one, which misses all of it; None when there are none."""
    if not lacks:
        return None
    missing = tuple(name for lack in lacks for name in lack.missing)
    who = tuple(dict.fromkeys(role for lack in lacks for role in lack.who))
    return Lack(lacks[0].rule, missing, who, lacks[0].detail)


def approvals_lacking(message: Message, tables: Tables) -> tuple[ApprovalKind, ...]:
    given = _approvals_given(message)
    needed = tables.approvals_needed(message.audience)
    return tuple(kind for kind in needed if kind not in given)


def _approvals_given(message: Message) -> frozenset[ApprovalKind]:
    return frozenset(approval.kind for approval in message.approvals)


def who_approves(message: Message, tables: Tables) -> tuple[Role, ...]:
    """Who can supply the approvals that are lacking."""
    roles = (role for kind in approvals_lacking(message, tables) for role in APPROVERS[kind])
    return tuple(dict.fromkeys(roles))


def gates(state: State, edition: int | None = None) -> tuple[Gate, ...]:
    """The gates of every message that may yet be sent; in an edition of the rules, None: in the
    newest. Raises UnknownEdition."""
    return tuple(
        gate
        for message in state.messages.values()
        for gate in message_gates(message, state, edition)
    )


def message_gates(message: Message, state: State, edition: int | None = None) -> tuple[Gate, ...]:
    """Each gate of this message with all that it lacks; none once it was delivered or turned
    down."""
    tables = EDITIONS.under(edition)
    if isinstance(message.condition, Told | TurnedDown):
        return ()
    return tuple(
        Gate.of(
            name,
            f"communication {message.id}",
            _together(tuple(LOOKS_FOR[name](message, state, tables))),
        )
        for name in tables.gates_before(message.audience)
    )
