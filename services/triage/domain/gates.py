"""What each gate of an action looks for: the table that both refuses a command and shows a reader
what is missing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias
from uuid import UUID

from services.triage.domain.commands import Assess, AuthoriseAction, GiveLegalView, RecordFact
from services.triage.domain.state import Action, BrokenGlass, Open, State
from services.triage.domain.tables import EDITIONS, Tables
from shared.contract.authority import Role, who_may
from shared.contract.decision import Actor, Gate, Lack
from shared.contract.vocabulary import Determination, GateName, LegalView, Seat


def _facts(action: Action, incident: Open, _: Actor | None, tables: Tables) -> Lack | None:
    sufficient = tables.sufficient[action.action_class]
    required = tables.required_facts[action.action_class]
    latest = {key: incident.latest(key) for key in required}
    missing = tuple(
        key.value
        for key, fact in latest.items()
        if fact is None or fact.confidence not in sufficient
    )
    if not missing:
        return None
    detail = (
        f"{action.kind} waits for facts that are known with {' or '.join(sufficient)} confidence: "
        f"{', '.join(missing)}."
    )
    return Lack("facts", missing, who_may(RecordFact), detail)


def _legal(action: Action, _: Open, __: Actor | None, ___: Tables) -> Lack | None:
    if action.legal is None:
        detail = f"{action.kind} waits for a legal view on this very action."
        return Lack("legal", ("legal_view",), who_may(GiveLegalView), detail)
    if action.legal.view is LegalView.REFUSED:
        detail = f"Legal refused {action.kind}; only a new legal view changes that."
        return Lack("refused_by_legal", ("legal_view",), who_may(GiveLegalView), detail, final=True)
    return None


def _confirmed_assessment(
    action: Action, incident: Open, _: Actor | None, __: Tables
) -> Lack | None:
    if incident.determination is Determination.CONFIRMED:
        return None
    detail = (
        f"{action.kind} waits for an incident assessed as confirmed; "
        f"this one is {incident.assessed_as}."
    )
    return Lack("confirmed_assessment", ("confirmed_assessment",), who_may(Assess), detail)


def _protected_activity(action: Action, _: Open, __: Actor | None, ___: Tables) -> Lack | None:
    if action.legal and action.legal.protected_activity_considered:
        return None
    detail = (
        f"{action.kind} waits for a legal view that considered "
        "whether the post is protected activity."
    )
    missing = ("protected_activity_considered",)
    return Lack("protected_activity", missing, who_may(GiveLegalView), detail)


def _authorisation(action: Action, _: Open, actor: Actor | None, __: Tables) -> Lack | None:
    if not action.authorised_by:
        detail = f"{action.kind} waits for a lead to authorise it."
        return Lack("authorisation", ("authorisation",), who_may(AuthoriseAction), detail)
    if actor and set(action.authorised_by) == {actor.subject}:
        detail = (
            f"The person who authorised {action.kind} does not carry it out: "
            "somebody else does, or another lead authorises it."
        )
        return Lack("four_eyes", ("another_person",), who_may(AuthoriseAction), detail)
    return None


LooksFor: TypeAlias = Callable[[Action, Open, Actor | None, Tables], Lack | None]

LOOKS_FOR: Final[Mapping[GateName, LooksFor]] = {
    GateName.FACTS: _facts,
    GateName.CONFIRMED_ASSESSMENT: _confirmed_assessment,
    GateName.LEGAL: _legal,
    GateName.PROTECTED_ACTIVITY: _protected_activity,
    GateName.AUTHORISATION: _authorisation,
}
"""What a gate lacks for an action; with an actor, when that person is to carry it out."""


def pass_gates(
    asked: Sequence[GateName], action_id: UUID, incident: Open, actor: Actor, tables: Tables
) -> tuple[UUID, ...]:
    """Goes through the gates in order; the first closed one refuses (raises Rejected). Returns the
    uses of break-glass that were needed."""
    needed: list[UUID] = []
    for gate in asked:
        if lack := LOOKS_FOR[gate](incident.actions[action_id], incident, actor, tables):
            passing = _passing(gate, lack, action_id, incident)
            if not passing:
                raise lack.refusal()
            needed += passing
    return tuple(needed)


def _passing(gate: GateName, lack: Lack, action_id: UUID, incident: Open) -> list[UUID]:
    """The uses of break-glass that pass this gate in spite of the lack: those not overruled."""
    if lack.final:
        return []
    used = uses_of_break_glass(gate, action_id, incident)
    return [broken_id for broken_id, broken in used.items() if broken.upheld is not False]


def uses_of_break_glass(
    gate: GateName, action_id: UUID, incident: Open
) -> Mapping[UUID, BrokenGlass]:
    return {
        broken_id: broken
        for broken_id, broken in incident.broken.items()
        if broken.gate is gate and broken.action_id == action_id
    }


def empty_seats(incident: Open, tables: Tables) -> tuple[Seat, ...]:
    """The seats still to fill before the incident may be assessed as confirmed."""
    return tuple(seat for seat in tables.seats_to_confirm if seat not in incident.seats)


def who_fills(seats: Sequence[Seat]) -> tuple[Role, ...]:
    able = (*who_may("fill_any_seat"), *(role for seat in seats for role in who_takes(seat)))
    return tuple(dict.fromkeys(able)) if seats else ()


def who_takes(seat: Seat) -> tuple[Role, ...]:
    """The roles that may take this seat for themselves."""
    return who_may(f"take_{seat}_seat")


def gates(state: State, edition: int | None = None) -> tuple[Gate, ...]:
    """The gate before an assessment as confirmed, and every gate of every action that is not done;
    in an edition of the rules, None: in the newest. Raises UnknownEdition."""
    if not isinstance(state, Open):
        return ()
    tables = EDITIONS.under(edition)
    empty = empty_seats(state, tables)
    seats = Gate(GateName.SEATS, "assessment", not empty, empty, who_fills(empty))
    of_actions = (
        _gate(name, action_id, action, state, tables)
        for action_id, action in state.actions.items()
        if not action.done
        for name in tables.gates[action.action_class]
    )
    return (seats, *of_actions)


def _gate(name: GateName, action_id: UUID, action: Action, incident: Open, tables: Tables) -> Gate:
    lack = LOOKS_FOR[name](action, incident, None, tables)
    passed = lack is not None and bool(_passing(name, lack, action_id, incident))
    return Gate.of(name, str(action_id), lack, passed=passed)
