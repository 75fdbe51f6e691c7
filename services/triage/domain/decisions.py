"""One arm per command: what it makes true of an incident as it stands, or the rule that refuses."""

from collections.abc import Sequence
from typing import assert_never

from services.triage.domain import acting, assessing
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
from services.triage.domain.state import Dismissed, Open, State, Unreported
from shared.contract.catalogue.base import EventData
from shared.contract.decision import Context, Missing, Rejected, check_authority


def decide(command: Command, state: State, context: Context) -> list[EventData]:
    """The events that the command makes; [] when it says nothing new. Raises Rejected and
    Missing."""
    match state:
        case Unreported():
            raise Missing("the incident")
        case Dismissed():
            raise Rejected(
                "dismissed",
                "The incident was dismissed; report anything new about it as a new incident.",
            )
        case Open():
            check_authority(command, context.actor)
            return list(_decide(command, state, context))
        case _:
            assert_never(state)


def _decide(command: Command, incident: Open, context: Context) -> Sequence[EventData]:
    match command:
        case RecordFact():
            return [assessing.record_fact(command, incident, context)]
        case FillSeat():
            return assessing.fill_seat(command, incident, context.actor)
        case Assess():
            return [assessing.assess(command, incident)]
        case ProposeAction():
            return [acting.propose(command)]
        case GiveLegalView():
            return [acting.give_legal_view(command, incident)]
        case AuthoriseAction():
            return acting.authorise(command, incident, context.actor)
        case CarryOut():
            return [acting.carry_out(command, incident, context)]
        case BreakGlass():
            return [acting.break_glass(command, incident, context.actor)]
        case ConfirmBreakGlass():
            return [acting.confirm_break_glass(command, incident, context.actor)]
        case DecideInaction():
            return [assessing.decide_inaction(command, incident)]
        case Dismiss():
            return [assessing.dismiss(command, incident)]
        case _:
            assert_never(command)
