"""Triage's rules over a history: no action without its gates, by the one who may, on facts and views that were there."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from services.triage import commands, domain
from shared.audit.decisions import Domain, Violation, violations
from shared.contract.catalogue import triage
from shared.contract.catalogue.base import EventData
from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName

DOMAIN: Final = Domain(domain.INITIAL, domain.decide, domain.evolve)


def audit(events: Sequence[Event]) -> Iterable[Violation]:
    """`events` are of one incident, in the order of the log."""
    return violations(ServiceName.TRIAGE, DOMAIN, commands_for, events)


def commands_for(data: EventData) -> Sequence[Any]:
    match data:
        case triage.FactRecorded():
            return (
                commands.RecordFact(
                    data.fact_id, data.key, data.value, data.confidence, data.source, data.observed_at, data.corrects
                ),
            )
        case triage.SeatFilled():
            return (commands.FillSeat(data.seat, data.holder),)
        case triage.Assessed():
            override = data.severity if data.severity_rule == "overridden" else None
            return (
                commands.Assess(
                    data.determination,
                    data.information_types,
                    data.exposure,
                    severity_override=override,
                    severity_override_reason=data.severity_override_reason,
                ),
            )
        case triage.ActionProposed():
            return (commands.ProposeAction(data.action_id, data.kind, data.target, data.reason),)
        case triage.LegalViewGiven():
            return (
                commands.GiveLegalView(
                    data.action_id, data.view, data.ground, data.conditions, data.protected_activity_considered
                ),
            )
        case triage.ActionAuthorised():
            return (commands.AuthoriseAction(data.action_id),)
        case triage.Contained():
            return (commands.CarryOut(data.action_id, data.outcome, data.carried_out_at, data.note),)
        case triage.BreakGlassUsed():
            return (commands.BreakGlass(data.break_glass_id, data.gate, data.action_id, data.reason),)
        case triage.BreakGlassConfirmed():
            return (commands.ConfirmBreakGlass(data.break_glass_id, data.upheld, data.note),)
        case triage.InactionDecided():
            return (commands.DecideInaction(data.reason),)
        case triage.IncidentDismissed():
            return (commands.Dismiss(data.reason, data.note),)
    return ()
