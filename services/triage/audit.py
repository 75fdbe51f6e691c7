"""Triage's rules over a history: no action without its gates, none by somebody who may not, and
all on facts and legal views that were there."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, get_args

from services.triage import domain
from services.triage.domain.commands import Assess
from services.triage.domain.state import Open
from services.triage.domain.tables import OVERRIDDEN
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
from shared.contract.catalogue import (
    Assessed,
    EventData,
)
from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName

DOMAIN: Final = Domain(domain.INITIAL, domain.decide, domain.evolve, domain.EDITIONS)


def audit(events: Sequence[Event]) -> Iterable[Violation]:
    """`events` are of one incident, in the order of the log."""
    return violations(ServiceName.TRIAGE, DOMAIN, commands_for, events)


def known(events: Sequence[Event], *, newest: bool = False) -> Mapping[str, Any]:
    """What triage knows of the incident once it has said and heard all this. Its gates are
    those of the edition of the rules that it last decided under, or of the newest."""
    incident, edition = (
        fold(DOMAIN, events),
        None if newest else last_edition(ServiceName.TRIAGE, events),
    )
    about = {
        "status": type(incident).__name__.lower(),
        "gates": gates_as_json(lambda: domain.gates(incident, edition)),
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
    if isinstance(data, Assessed):
        override = data.severity if data.severity_rule == OVERRIDDEN else None
        return (made_again(Assess, data, severity_override=override),)
    return recorded_by(data, get_args(domain.Command))
