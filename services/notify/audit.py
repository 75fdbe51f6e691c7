"""Notify's rules over a history: nobody outside is told before assessment and facts, and nothing
without the approval of others."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, get_args
from uuid import UUID

from services.notify import domain
from services.notify.domain import DraftCommunication, RecordFailure, StartSend
from shared.audit.decisions import (
    Domain,
    Violation,
    fold,
    gates_as_json,
    last_edition,
    made_again,
    recorded_by,
    violations,
)
from shared.contract.catalogue import notify
from shared.contract.catalogue.base import EventData
from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName

DOMAIN: Final = Domain(domain.INITIAL, domain.decide, domain.evolve, domain.EDITIONS)


def audit(events: Sequence[Event]) -> Iterable[Violation]:
    """`events` are of one incident, in the order of the log."""
    texts = {
        event.data.communication_id: event.data.sd
        for event in events
        if isinstance(event.data, notify.CommunicationDrafted)
    }
    return violations(ServiceName.NOTIFY, DOMAIN, lambda data: commands_for(data, texts), events)


def known(events: Sequence[Event], *, newest: bool = False) -> Mapping[str, Any]:
    """What notify knows of the incident once it has said and heard all this. Its gates are
    those of the edition of the rules that it last decided under, or of the newest."""
    state, edition = (
        fold(DOMAIN, events),
        None if newest else last_edition(ServiceName.NOTIFY, events),
    )
    return {
        "owed": sorted(state.owed),
        "told": sorted(state.told),
        "waived": sorted(state.waived),
        "messages": {
            str(message.id): f"to {message.audience}: {type(message.condition).__name__.lower()}"
            for message in state.messages.values()
        },
        "gates": gates_as_json(lambda: domain.gates(state, edition)),
    }


def commands_for(data: EventData, texts: dict[UUID, tuple[str, ...]]) -> Sequence[Any]:
    """`texts` has the digests of each draft. An attempt may also have failed before it began: on a
    text other than the approved one, or on a gate that had shut again."""
    match data:
        case notify.CommunicationDrafted():
            return (made_again(DraftCommunication, data, channels=frozenset({data.channel})),)
        case notify.SendStarted():
            return (_sending(data, texts),)
        case notify.SendFailed():
            return (
                made_again(RecordFailure, data),
                _sending(data, texts),
                StartSend(data.communication_id, ("another text than the approved one",)),
            )
    return recorded_by(data, get_args(domain.Command))


def _sending(
    data: notify.SendStarted | notify.SendFailed, texts: dict[UUID, tuple[str, ...]]
) -> StartSend:
    return StartSend(data.communication_id, texts.get(data.communication_id, ()))
