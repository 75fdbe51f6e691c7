"""What each service knew of each incident, made from the events alone, and how it is shown."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from deploy.ledger.check import rules
from deploy.ledger.printing import bold, say, show_json
from shared.audit.subjects import Sealed
from shared.contract.envelope import Event
from shared.contract.topics import INCIDENT, kind_of
from shared.contract.vocabulary import ServiceName


def known_of(sealed: Iterable[Sealed]) -> dict[UUID, dict[str, Any]]:
    """By incident: how many events there are, and what each service's own fold makes of them."""
    events: dict[UUID, list[Event]] = {}
    for one in sealed:
        events.setdefault(one.event.subject_id, []).append(one.event)
    incidents = {
        subject: history
        for subject, history in events.items()
        if kind_of(history[0].type) == INCIDENT
    }
    return {
        incident: {
            "events": len(history),
            "last": history[-1].time.isoformat(),
            **{
                service.value: dict(rules.audit_of(service).known(history))
                for service in ServiceName
            },
        }
        for incident, history in incidents.items()
    }


def show_known(known: dict[UUID, dict[str, Any]], *, as_json: bool) -> None:
    """For people, or for programs one incident a line."""
    if as_json:
        for incident, about in known.items():
            show_json({"incident_id": str(incident), **about}, indent=None)
        return
    for incident, about in known.items():
        say(bold(f"{incident}  {about['events']} events, the last at {about['last']}"))
        for what, values in _summary(about).items():
            say(f"  {what:<13}{', '.join(values) or 'none'}")
    say(f"{len(known)} incidents")


def _summary(about: dict[str, Any]) -> dict[str, list[str]]:
    triage, notify = about["triage"], about["notify"]
    gates = [
        gate
        for service in ServiceName
        for gate in about[service.value].get("gates", ())
        if not gate["open"]
    ]
    return {
        "assessed as": [str(triage.get("determination") or triage["status"])],
        "facts": list(triage.get("facts", ())),
        "actions": list(triage.get("actions", {}).values()),
        "told": notify["told"],
        "to be told": notify["owed"],
        "waits for": list(
            dict.fromkeys(f"{gate['gate']} ({', '.join(gate['missing'])})" for gate in gates)
        ),
        "review": [about["review"]["status"]],
    }
