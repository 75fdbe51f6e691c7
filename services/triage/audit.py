"""Triage's rules over a history: no action without its gates, none by somebody who may not, and
all on facts and legal views that were there."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from services.triage import domain
from services.triage.domain import commands
from services.triage.domain.state import Open
from services.triage.domain.tables import OVERRIDDEN
from shared.audit.decisions import Domain, Violation, fold, violations
from shared.contract.catalogue import triage
from shared.contract.catalogue.base import EventData
from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName

DOMAIN: Final = Domain(domain.INITIAL, domain.decide, domain.evolve)


def audit(events: Sequence[Event]) -> Iterable[Violation]:
    """`events` are of one incident, in the order of the log."""
    return violations(ServiceName.TRIAGE, DOMAIN, commands_for, events)


def known(events: Sequence[Event]) -> Mapping[str, Any]:
    """What triage knows of the incident once it has said and heard all this."""
    incident = fold(DOMAIN, events)
    about = {
        "status": type(incident).__name__.lower(),
        "gates": [gate.as_json() for gate in domain.gates(incident)],
    }
    if not isinstance(incident, Open):
        return about
    return {
        **about,
        "determination": incident.determination,
        "facts": list(incident.known_keys),
        "seats": sorted(incident.seats),
        "actions": {
            str(action_id): f"{one.kind}: {one.outcome or 'open'}"
            for action_id, one in incident.actions.items()
        },
        "second_words_owed": len(incident.owed),
    }


def commands_for(data: EventData) -> Sequence[Any]:
    """The command that makes this event, as far as the event tells; none for what is not triage's
    to say."""
    command = _beside_action(data) or _about_action(data)
    return () if command is None else (command,)


def _beside_action(data: EventData) -> commands.Command | None:
    match data:
        case triage.FactRecorded():
            return commands.RecordFact(
                data.fact_id,
                data.key,
                data.value,
                data.confidence,
                data.source,
                data.observed_at,
                data.corrects,
                data.label,
                data.known,
            )
        case triage.SeatFilled():
            return commands.FillSeat(data.seat, data.holder)
        case triage.Assessed():
            override = data.severity if data.severity_rule == OVERRIDDEN else None
            return commands.Assess(
                data.determination,
                data.information_types,
                data.exposure,
                severity_override=override,
                severity_override_reason=data.severity_override_reason,
            )
        case triage.InactionDecided():
            return commands.DecideInaction(data.reason)
        case triage.IncidentDismissed():
            return commands.Dismiss(data.reason, data.note)
    return None


def _about_action(data: EventData) -> commands.Command | None:
    match data:
        case triage.ActionProposed():
            return commands.ProposeAction(data.action_id, data.kind, data.target, data.reason)
        case triage.LegalViewGiven():
            return commands.GiveLegalView(
                data.action_id,
                data.view,
                data.ground,
                data.conditions,
                data.protected_activity_considered,
            )
        case triage.ActionAuthorised():
            return commands.AuthoriseAction(data.action_id)
        case triage.Contained():
            return commands.CarryOut(data.action_id, data.outcome, data.carried_out_at, data.note)
        case triage.BreakGlassUsed():
            return commands.BreakGlass(data.break_glass_id, data.gate, data.action_id, data.reason)
        case triage.BreakGlassConfirmed():
            return commands.ConfirmBreakGlass(data.break_glass_id, data.upheld, data.note)
    return None
