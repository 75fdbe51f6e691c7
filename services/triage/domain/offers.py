"""What a caller may do next: every kind of command, on everything there is, is put to `decide`
itself."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

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
from services.triage.domain.decisions import decide
from services.triage.domain.state import Action, Open, State
from services.triage.domain.tables import EDITIONS
from shared.contract.catalogue.base import Exposure
from shared.contract.decision import SOME_TIME, Actor, accepted
from shared.contract.vocabulary import (
    ActionKind,
    Confidence,
    Determination,
    DismissalReason,
    FactKey,
    LegalView,
    Outcome,
    Seat,
)

_SOME_ID: Final = UUID(int=0)
_WORDS: Final = "…"
_SOMEBODY: Final = "somebody"


def next_commands(state: State, actor: Actor) -> tuple[str, ...]:
    """The names of the commands that this caller may give next."""
    if not isinstance(state, Open):
        return ()
    candidates = [*_on_the_incident(actor), *_on_break_glass(state), *_on_actions(state)]
    return accepted(candidates, decide, state, actor)


def next_on_action(action_id: UUID, state: State, actor: Actor) -> tuple[str, ...]:
    """The names of the commands that this caller may give next on one action."""
    if not isinstance(state, Open):
        return ()
    return accepted(_on_action(action_id, state.actions[action_id]), decide, state, actor)


# Where a rule looks at a field, every value of it is tried; the other fields hold what no rule
# minds.


def _on_the_incident(actor: Actor) -> Iterator[Command]:
    yield RecordFact(_SOME_ID, FactKey.WHERE, _WORDS, Confidence.LOW, _WORDS, SOME_TIME)
    for seat in Seat:
        yield from (FillSeat(seat, holder) for holder in (actor.subject, _SOMEBODY))
    yield from (Assess(determination, (), Exposure()) for determination in Determination)
    yield from (ProposeAction(_SOME_ID, kind, _WORDS) for kind in ActionKind)
    yield DecideInaction(_WORDS)
    yield from (Dismiss(reason, _WORDS) for reason in DismissalReason)


def _on_break_glass(incident: Open) -> Iterator[Command]:
    yield from (ConfirmBreakGlass(break_glass_id, True, _WORDS) for break_glass_id in incident.owed)


def _on_actions(incident: Open) -> Iterator[Command]:
    for action_id, action in incident.actions.items():
        yield from _on_action(action_id, action)


def _on_action(action_id: UUID, action: Action) -> Iterator[Command]:
    yield GiveLegalView(action_id, LegalView.REFUSED, _WORDS)
    yield AuthoriseAction(action_id)
    yield from (CarryOut(action_id, outcome, SOME_TIME) for outcome in Outcome)
    gates = EDITIONS.under().gates[action.action_class]
    yield from (BreakGlass(_SOME_ID, gate, action_id, _WORDS) for gate in gates)
