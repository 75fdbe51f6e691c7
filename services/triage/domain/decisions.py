"""One arm per command: what it makes true of an incident as it stands, or the rule that refuses."""

from collections.abc import Sequence
from typing import assert_never

from services.triage.domain.acting import (
    authorise,
    break_glass,
    carry_out,
    confirm_break_glass,
    give_legal_view,
    propose,
)
from services.triage.domain.assessing import assess
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
from services.triage.domain.ending import decide_inaction, dismiss
from services.triage.domain.preparing import fill_seat, record_fact
from services.triage.domain.state import Dismissed, Open, State, Unreported
from services.triage.domain.tables import EDITIONS, Tables
from shared.contract.catalogue.base import EventData
from shared.contract.decision import Context, Missing, Rejected, check_authority


def edition_for(_command: Command, _state: State) -> int:
    """The edition of the rules under which a command is decided: the newest."""
    return EDITIONS.newest


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
            tables = EDITIONS.under(context.edition)
            return list(_decide(command, state, context, tables))
        case _:
            assert_never(state)


def _decide(
    command: Command, incident: Open, context: Context, tables: Tables
) -> Sequence[EventData]:
    match command:
        case RecordFact():
            return [record_fact(command, incident, context)]
        case FillSeat():
            return fill_seat(command, incident, context.actor)
        case Assess():
            return [assess(command, incident, tables)]
        case ProposeAction():
            return [propose(command, tables)]
        case GiveLegalView():
            return [give_legal_view(command, incident)]
        case AuthoriseAction():
            return authorise(command, incident, context.actor, tables)
        case CarryOut():
            return [carry_out(command, incident, context, tables)]
        case BreakGlass():
            return [break_glass(command, incident, context.actor, tables)]
        case ConfirmBreakGlass():
            return [confirm_break_glass(command, incident, context.actor)]
        case DecideInaction():
            return [decide_inaction(command, incident)]
        case Dismiss():
            return [dismiss(command, incident, tables)]
        case _:
            assert_never(command)
