"""`ledger replay`: the history as a timeline, or what was known at a moment."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from deploy.ledger.check import audits
from deploy.ledger.check.audits import Pinned
from deploy.ledger.check.stacklog import log_of_stack, pinned_by_stack
from deploy.ledger.check.web import open_files
from deploy.ledger.options import DataOption, TokenOption, UntilOption, VkeyOption, or_stop
from deploy.ledger.printing import Cell, bold, say, show_json, show_json_line, show_table
from deploy.ledger.progress import counting
from deploy.ledger.sources import open_sources
from shared.audit.files import Files, NotALog
from shared.audit.history import Until, by_time, history
from shared.audit.incidents import Sealed
from shared.contract.catalogue import MILESTONES, short_name
from shared.contract.envelope import Event, Unknown
from shared.contract.topics import is_system
from shared.contract.vocabulary import ServiceName
from shared.runtime.repair import auditing


def replay(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[SOURCE]",
            help="Folder or http(s) address of a log. Default: the running stack: its "
            "topic, or with --known or a size its log.",
        ),
    ] = None,
    data: DataOption = None,
    incident: Annotated[UUID | None, typer.Option(help="Only this incident.")] = None,
    until: UntilOption = None,
    known: Annotated[
        bool,
        typer.Option(
            "--known", help="Show what each service knew of each incident, instead of the timeline."
        ),
    ] = False,
    vkey: VkeyOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: one envelope, or one incident, a line.")
    ] = False,
    token: TokenOption = None,
) -> None:
    """Show what was said, every event in the order of time; or what was known at a moment, rebuilt
    from the log alone."""
    with or_stop():
        moment = Until.parse(until) if until else Until()
        if source is None and not known and moment.size is None:
            chosen = _from_topic(data, moment, incident)
        else:
            chosen = from_log(source, data, token, moment, incident, vkey)
    if known:
        _show_known(known_of(chosen), as_json=as_json)
    else:
        _show_timeline([one.event for one in by_time(chosen)], as_json=as_json)


def from_log(
    source: str | None,
    data: Path | None,
    token: str | None,
    moment: Until,
    incident: UUID | None = None,
    vkey: Path | None = None,
) -> list[Sealed]:
    """Raises NotALog and Unreachable."""
    pinned, files = (
        Pinned(vkey),
        log_of_stack(data) if source is None else open_files(source, token),
    )
    if files is None:
        raise NotALog(
            "no stack runs here; name the folder or address of a log, or a stack with --data"
        )
    if source is None:
        pinned = pinned_by_stack(data, pinned)
    with counting() as bar:
        return list(
            history(
                files,
                believed(files, pinned),
                moment,
                incident,
                lambda done, total: bar("leaves", done, total),
            )
        )


def believed(files: Files, pinned: Pinned) -> Any:
    return audits.believe(files, pinned).anchors


def known_of(sealed: Iterable[Sealed]) -> dict[UUID, dict[str, Any]]:
    """By incident: how many events there are, and what each service's own fold makes of them."""
    events: dict[UUID, list[Event]] = {}
    for one in sealed:
        events.setdefault(one.event.incident_id, []).append(one.event)
    return {
        incident: {
            "events": len(history),
            "last": history[-1].time.isoformat(),
            **{
                service.value: dict(audits.audit_of(service).known(history))
                for service in ServiceName
            },
        }
        for incident, history in events.items()
    }


def _from_topic(data: Path | None, moment: Until, incident: UUID | None) -> list[Sealed]:
    events = asyncio.run(auditing.events(open_sources(data)))
    found = (
        Sealed(number, event)
        for number, event in enumerate(events)
        if not is_system(event.incident_id)
    )
    return [
        one for one in found if moment.includes(one) and incident in {None, one.event.incident_id}
    ]


def _show_known(known: dict[UUID, dict[str, Any]], *, as_json: bool) -> None:
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


def _show_timeline(events: Sequence[Event], *, as_json: bool) -> None:
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
