"""Notify's rules over a history: nobody outside is told before assessment and facts, and nothing
without the approval of others."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from services.notify import domain
from services.notify.domain import commands
from shared.audit.decisions import Domain, Violation, fold, violations
from shared.contract.catalogue import notify
from shared.contract.catalogue.base import EventData
from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName

DOMAIN: Final = Domain(domain.INITIAL, domain.decide, domain.evolve)


def audit(events: Sequence[Event]) -> Iterable[Violation]:
    """`events` are of one incident, in the order of the log."""
    texts = {
        event.data.communication_id: event.data.sd
        for event in events
        if isinstance(event.data, notify.CommunicationDrafted)
    }
    return violations(ServiceName.NOTIFY, DOMAIN, lambda data: commands_for(data, texts), events)


def known(events: Sequence[Event]) -> Mapping[str, Any]:
    """What notify knows of the incident once it has said and heard all this."""
    state = fold(DOMAIN, events)
    return {
        "owed": sorted(state.owed),
        "told": sorted(state.told),
        "waived": sorted(state.waived),
        "messages": {
            str(message.id): f"to {message.audience}: {type(message.condition).__name__.lower()}"
            for message in state.messages.values()
        },
        "gates": [gate.as_json() for gate in domain.gates(state)],
    }


def commands_for(data: EventData, texts: dict[UUID, tuple[str, ...]]) -> Sequence[Any]:
    match data:
        case notify.CommunicationRequired():
            return (commands.NoteDuties(),)
        case notify.CommunicationWaived():
            return (commands.Waive(data.audience, data.reason),)
        case notify.CommunicationDrafted():
            return (
                commands.DraftCommunication(
                    data.communication_id,
                    data.audience,
                    data.channel,
                    data.title,
                    data.text,
                    data.facts,
                    channels=frozenset({data.channel}),
                ),
            )
        case notify.CommunicationApproved():
            return (commands.Approve(data.communication_id, data.approval),)
        case notify.CommunicationRejected():
            return (commands.Reject(data.communication_id, data.reason),)
        case notify.CommunicationRequested():
            return (commands.RequestSend(data.communication_id),)
        case notify.SendOutcomeDecided():
            return (commands.DecideOutcome(data.communication_id, data.delivered, data.reason),)
    return _of_the_sender(data, texts)


def _of_the_sender(data: EventData, texts: dict[UUID, tuple[str, ...]]) -> Sequence[Any]:
    match data:
        case notify.SendStarted():
            return (
                commands.StartSend(data.communication_id, texts.get(data.communication_id, ())),
            )
        case notify.SendFailed():
            return (
                commands.RecordFailure(data.communication_id, data.attempt, data.error),
                commands.StartSend(data.communication_id, texts.get(data.communication_id, ())),
                commands.StartSend(data.communication_id, ("another text than the approved one",)),
            )
        case notify.SendOutcomeUnknown():
            return (commands.MarkUnknown(data.communication_id, data.attempt),)
        case notify.Communicated():
            return (commands.RecordDelivered(data.communication_id, data.attempt),)
    return ()
