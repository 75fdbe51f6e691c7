"""The rules of notify: who must be told, who may say so, on which facts, and what becomes of a
message that was sent.

Start with `tables`: a rule is changed there. `commands` are the requests, `state` is the memory of
an incident, `gates` finds what a message waits for. `decisions` has one arm per command; its arms
stand in `duties`, `messages` (what people decide) and `sending` (what the sender does). No text
that people wrote is remembered here; views keep it."""

from services.notify.domain.commands import (
    Approve,
    Command,
    DecideOutcome,
    DraftCommunication,
    MarkUnknown,
    NoteDuties,
    RecordDelivered,
    RecordFailure,
    Reject,
    RequestSend,
    StartSend,
    Waive,
)
from services.notify.domain.decisions import decide, edition_for
from services.notify.domain.gates import gates, message_gates
from services.notify.domain.offers import next_commands, next_for_message
from services.notify.domain.state import INITIAL, Message, State, evolve
from services.notify.domain.tables import EDITIONS

__all__ = [
    "EDITIONS",
    "INITIAL",
    "Approve",
    "Command",
    "DecideOutcome",
    "DraftCommunication",
    "MarkUnknown",
    "Message",
    "NoteDuties",
    "RecordDelivered",
    "RecordFailure",
    "Reject",
    "RequestSend",
    "StartSend",
    "State",
    "Waive",
    "decide",
    "edition_for",
    "evolve",
    "gates",
    "message_gates",
    "next_commands",
    "next_for_message",
]
