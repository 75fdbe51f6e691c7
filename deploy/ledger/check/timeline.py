"""Events in the order of time, as `ledger replay` shows them."""

import json
from collections.abc import Sequence

from deploy.ledger.printing import Cell, bold, say, show_json_line, show_table
from shared.contract.catalogue import MILESTONES, short_name
from shared.contract.envelope import Event, Unknown


def show_timeline(events: Sequence[Event], *, as_json: bool) -> None:
    """A row for each event, or for programs one envelope a line."""
    if as_json:
        for event in events:
            show_json_line(event.envelope)
        return
    show_table(("time (UTC)", "incident", "event", "by", "what", "place"), map(_row, events))
    say(f"{len(events)} events")


def _row(event: Event) -> tuple[Cell, ...]:
    name = short_name(event.type)
    return (
        event.time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        event.incident_id,
        bold(name) if name in MILESTONES else name,
        event.actor,
        _gist(event),
        f"{event.service}/{event.link.partition}:{event.link.sequence}",
    )


def _gist(event: Event) -> str:
    if isinstance(event.data, Unknown):
        return event.data.reason
    said = event.data.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    plain = {
        name: value
        for name, value in said.items()
        if isinstance(value, str | int) and not name.endswith("_id")
    }
    return json.dumps(plain, ensure_ascii=False)[1:-1].replace('"', "")[:100]
