"""What a caller may do next: every kind of command put to `decide` itself. There is no second set
of rules."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from services.notify.domain.commands import (
    Approve,
    Command,
    DecideOutcome,
    DraftCommunication,
    Reject,
    RequestSend,
    Waive,
)
from services.notify.domain.decisions import decide
from services.notify.domain.state import Message, State
from shared.contract.decision import Actor, accepted
from shared.contract.vocabulary import Audience

ANY_ID: Final = UUID(int=0)
ANY_TEXT: Final = "-"
"""No rule for people depends on what they write."""


def next_commands(state: State, actor: Actor) -> tuple[str, ...]:
    candidates = [
        *_for_incident(state),
        *(item for message in state.messages.values() for item in _for_message(message)),
    ]
    return accepted(candidates, decide, state, actor)


def next_for_message(message: Message, state: State, actor: Actor) -> tuple[str, ...]:
    return accepted(_for_message(message), decide, state, actor)


def _for_incident(state: State) -> Iterator[Command]:
    channels = frozenset({ANY_TEXT})
    for fact_id in state.facts:
        yield DraftCommunication(
            ANY_ID, Audience.EXECUTIVES, ANY_TEXT, ANY_TEXT, ANY_TEXT, (fact_id,), channels
        )
    for audience in sorted(state.owed):
        yield Waive(audience, ANY_TEXT)


def _for_message(message: Message) -> Iterator[Command]:
    yield Approve(message.id)
    yield Reject(message.id, ANY_TEXT)
    yield RequestSend(message.id)
    yield DecideOutcome(message.id, delivered=True, reason=ANY_TEXT)
