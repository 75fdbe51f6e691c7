"""One arm per command: what it makes true of an incident as it stands, or the rule that refuses."""

from collections.abc import Sequence
from typing import assert_never

from services.notify.domain.commands import (
    Approve,
    Command,
    DecideOutcome,
    DraftCommunication,
    MarkUnknown,
    MessageCommand,
    NoteDuties,
    PersonsCommand,
    RecordDelivered,
    RecordFailure,
    Reject,
    RequestSend,
    SendersCommand,
    StartSend,
    Waive,
)
from services.notify.domain.duties import new_duties, waive
from services.notify.domain.messages import answer_person, draft
from services.notify.domain.sending import answer_sender
from services.notify.domain.state import Message, State
from services.notify.domain.tables import EDITIONS
from shared.contract.catalogue.base import EventData
from shared.contract.decision import Context, Missing, check_authority


def edition_for(_command: Command, _state: State) -> int:
    """The edition of the rules under which a command is decided: the newest."""
    return EDITIONS.newest


def decide(command: Command, state: State, context: Context) -> list[EventData]:
    """The events that the command makes; [] when it says nothing new. Raises Rejected and
    Missing."""
    if isinstance(command, PersonsCommand):
        check_authority(command, context.actor)
    return list(_decide(command, state, context))


def _decide(command: Command, state: State, context: Context) -> Sequence[EventData]:
    match command:
        case NoteDuties():
            return list(new_duties(state, EDITIONS.under(context.edition)))
        case Waive():
            return [waive(command, state)]
        case DraftCommunication():
            return [draft(command, state)]
        case Approve() | Reject() | RequestSend() | DecideOutcome():
            return answer_person(command, _message(command, state), state, context)
        case StartSend() | RecordDelivered() | RecordFailure() | MarkUnknown():
            return [answer_sender(command, _message(command, state), state, context)]
        case _:
            assert_never(command)


def _message(command: MessageCommand | SendersCommand, state: State) -> Message:
    if (message := state.messages.get(command.communication_id)) is None:
        raise Missing(f"communication {command.communication_id}")
    return message
