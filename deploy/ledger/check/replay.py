"""`ledger replay`: the history as a timeline, or what was known at a moment."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer

from deploy.ledger.check.known import known_of, show_known
from deploy.ledger.check.past import from_log, from_topic
from deploy.ledger.options import DataOption, TokenOption, UntilOption, VkeyOption, or_stop
from deploy.ledger.printing import Cell, bold, say, show_json_line, show_table
from shared.audit.history import Until, by_time
from shared.contract.catalogue import (
    MILESTONES,
    IncidentEvent,
    short_name,
)
from shared.contract.disclosure import fill
from shared.contract.envelope import Event, Unknown


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
            chosen = from_topic(data, moment, incident)
        else:
            chosen = from_log(source, data, token, moment, incident, vkey)
    if known:
        show_known(known_of(chosen), as_json=as_json)
    else:
        _show_timeline([one.event for one in by_time(chosen)], as_json=as_json)


def _show_timeline(events: Sequence[Event], *, as_json: bool) -> None:
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
        event.subject_id,
        bold(name) if name in MILESTONES else name,
        event.actor,
        _gist(event),
        f"{event.service}/{event.link.partition}:{event.link.sequence}",
    )


def _gist(event: Event) -> str:
    if isinstance(event.data, Unknown):
        return event.data.reason
    if not isinstance(event.data, IncidentEvent):
        return "not said of an incident"
    says, quote = fill(event.data, lambda _part, name: f"[{name}]").in_words()
    return (f"{says} “{quote}”" if quote else says)[:100]
