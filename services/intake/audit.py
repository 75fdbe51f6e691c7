"""Intake's rules over a history: a report opens an incident once, and adds only to what is open."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from services.intake import domain
from services.intake.domain.commands import Report
from services.intake.domain.state import Dismissed, Open
from shared.audit.decisions import Domain, Violation, fold, recorded_by, violations
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import Reported
from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName

DOMAIN: Final = Domain(domain.INITIAL, domain.decide, domain.evolve, domain.EDITIONS)


def audit(events: Sequence[Event]) -> Iterable[Violation]:
    """`events` are of one incident, in the order of the log."""
    return violations(ServiceName.INTAKE, DOMAIN, commands_for, events)


def known(events: Sequence[Event], *, newest: bool = False) -> Mapping[str, Any]:  # noqa: ARG001
    """What intake knows of the incident once it has said and heard all this."""
    match fold(DOMAIN, events):
        case Open(exercise):
            return {"status": "open", "exercise": exercise}
        case Dismissed():
            return {"status": "dismissed"}
    return {"status": "unopened"}


def commands_for(data: EventData) -> Sequence[Any]:
    if not isinstance(data, Reported):
        return ()
    return recorded_by(data, (Report,))
