"""`ledger replay`: the history as a timeline, or what was known at a moment."""

from typing import Annotated
from uuid import UUID

import typer

from deploy.ledger.check.known import known_of, show_known
from deploy.ledger.check.past import from_log, from_topic
from deploy.ledger.check.timeline import show_timeline
from deploy.ledger.options import DataOption, TokenOption, UntilOption, VkeyOption, or_stop
from shared.audit.history import Until, by_time


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
        show_timeline([one.event for one in by_time(chosen)], as_json=as_json)
