"""`ledger demo`: real incidents through all five events on a stack of its own, their reports, and
the log verified."""

import asyncio
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import httpx
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from deploy.ledger.check import audits
from deploy.ledger.check.audits import Pinned
from deploy.ledger.check.dossier import dossier_of, heads_from_stack
from deploy.ledger.check.stacklog import log_of_stack
from deploy.ledger.check.verify import How, verify_stack
from deploy.ledger.progress import steps
from deploy.ledger.run import stack
from deploy.ledger.run.demo.cast import PEOPLE, RUTH, Office
from deploy.ledger.run.demo.stories import STORIES, Story
from deploy.ledger.run.demo.telling import begin
from deploy.ledger.run.options import or_say_why
from deploy.local import ports, state
from deploy.local.errors import StackError
from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.audit.seen import SeenFile
from shared.contract.catalogue import MILESTONES, short_name
from shared.contract.vocabulary import ServiceName

SETTLED_WITHIN: Final = 30.0
"""Seconds in which every service must have heard everything, before the history is verified."""


@dataclass(frozen=True, slots=True)
class Told:
    """A story that was played: its incident, its milestones with their times, and where its report
    lies."""

    story: Story
    source: Mapping[str, str]
    incident: UUID
    milestones: Mapping[str, str]
    events: int
    report: Path | None


def demo(
    folder: Annotated[
        Path,
        typer.Option(
            help="Where the stack's data, the reports and the dossiers go; emptied first."
        ),
    ] = Path("demo"),
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the stack running afterwards.")
    ] = False,
) -> None:
    """Play six incidents that the press reported through all five events; show their reports;
    verify the log."""
    console = Console()
    began = time.monotonic()
    data, reports, dossiers = folder / "stack", folder / "reports", folder / "dossiers"
    with or_say_why():
        _make_room(folder, data)
        base = _free_base()
        with steps("starting a stack") as say:
            running = stack.start(data, base, say)
        console.print(
            f"A real Kafka, a real Postgres and four services run, after {time.monotonic() - began:.1f} s.\n"
        )
        try:
            told = asyncio.run(_play(running, Keys.of(data), reports, console))
            _write_dossiers(data, dossiers, told)
            verified = verify_stack(
                data, Pinned(), How(False, audits.rules(), SeenFile(data / "seen.json"), True)
            )
        finally:
            if not keep:
                with steps("ending the stack"):
                    stack.end(data)
    _show(console, told, running.inbox)
    verified.show()
    _what_next(console, folder, data, told, keep=keep)
    console.print(f"\nDone in {time.monotonic() - began:.0f} s.")
    raise typer.Exit(1 if verified.findings else 0)


def _make_room(folder: Path, data: Path) -> None:
    if (left := state.recorded(data)) is not None and left.supervisor.running() is not None:
        raise StackError(
            f"the stack of an earlier demo still runs; end it with: ledger down --data {data}"
        )
    if (
        folder.exists()
        and any(folder.iterdir())
        and not {path.name for path in folder.iterdir()} <= {"stack", "reports", "dossiers"}
    ):
        raise StackError(
            f"{folder} holds other things than an earlier demo; name another folder with --folder"
        )
    stack.end(data)
    shutil.rmtree(folder, ignore_errors=True)


def _free_base() -> int:
    for base in range(ports.DEFAULT_BASE, ports.DEFAULT_BASE + 2000, 100):
        try:
            ports.Ports(base).require_free()
        except StackError:
            continue
        return base
    raise StackError(
        f"no free ports from {ports.DEFAULT_BASE} on; end other stacks first: ledger status shows one"
    )


async def _play(running: state.Stack, keys: Keys, reports: Path, console: Console) -> list[Told]:
    sources = {
        source["id"]: source
        for source in json.loads((files(__package__) / "incidents.json").read_text("utf-8"))
    }
    urls = {service: running.services[service.value].url for service in ServiceName}
    tokens = {person.name: issue(keys, person.name, [person.role]) for person in PEOPLE}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        office = Office(urls, tokens, client)
        told = [
            await _tell(office, story, sources[story.incident], reports, console)
            for story in STORIES
        ]
        await _settled(client, urls)
    return told


async def _tell(
    office: Office, story: Story, source: Mapping[str, str], reports: Path, console: Console
) -> Told:
    console.rule(
        f"[bold]{source['organisation']}[/], {source['platform']}: {story.shows}", align="left"
    )

    def tell(text: str) -> None:
        console.print(f"  • {text}", highlight=False)

    telling = await begin(office, source, tell)
    await story.play(telling)
    # What review said last must be told as well: its own log shows all five.
    await office.until(RUTH, ServiceName.REVIEW, telling.incident, "incident.reported.v1")
    events = await _whole_story(office, telling.incident)
    console.print()
    return Told(
        story,
        source,
        telling.incident,
        _milestones(events),
        len(events),
        await _report(office, story, telling.incident, reports),
    )


async def _whole_story(office: Office, incident: UUID) -> list[dict[str, Any]]:
    """All events of an incident, once review has heard the last that was caused."""
    last = str(office.last[incident])
    end = time.monotonic() + SETTLED_WITHIN
    while time.monotonic() < end:
        events = await office.events(RUTH, ServiceName.REVIEW, incident)
        if any(event["event_id"] == last for event in events):
            return events
        await asyncio.sleep(0.05)
    raise StackError(
        f"review has not heard all of {incident} after {SETTLED_WITHIN:.0f} s; see its log"
    )


def _milestones(events: list[dict[str, Any]]) -> dict[str, str]:
    times: dict[str, str] = {}
    for event in events:
        times.setdefault(short_name(event["type"]), event["time"][11:19])
    return {name: times.get(name, "–") for name in MILESTONES}


async def _report(office: Office, story: Story, incident: UUID, reports: Path) -> Path | None:
    if story.play.__name__ == "false_positive":
        return None
    reports.mkdir(parents=True, exist_ok=True)
    for form, ending in (("markdown", "md"), ("json", "json"), ("html", "html")):
        text = await office.text(
            RUTH, ServiceName.REVIEW, f"/incidents/{incident}/report?format={form}"
        )
        (reports / f"{story.incident}.{ending}").write_text(text, encoding="utf-8", newline="")
    return reports / f"{story.incident}.html"


def _write_dossiers(data: Path, folder: Path, told: list[Told]) -> None:
    """What proves each incident to somebody who has nothing of this stack."""
    folder.mkdir(parents=True, exist_ok=True)
    log = log_of_stack(data)
    assert log is not None
    with steps("writing the dossiers") as say:
        for one in told:
            archive = dossier_of(log, one.incident, heads_from_stack(data, one.incident), say)
            (folder / f"{one.story.incident}.zip").write_bytes(archive)


async def _settled(client: httpx.AsyncClient, urls: Mapping[ServiceName, str]) -> None:
    """Waits until everything that was said was heard: then the verification sees one history
    everywhere."""
    end = time.monotonic() + SETTLED_WITHIN
    while time.monotonic() < end:
        answers = [(await client.get(f"{url}/readyz")).json() for url in urls.values()]
        if all(answer["lag"] == {"to_hear": 0, "to_relay": 0} for answer in answers):
            return
        await asyncio.sleep(0.1)
    raise StackError(
        f"the services have not heard everything after {SETTLED_WITHIN:.0f} s; see their logs"
    )


def _show(console: Console, told: list[Told], inbox: Path) -> None:
    table = Table(
        "", *MILESTONES, "events", title="Six incidents, five events (UTC)", box=SIMPLE_HEAD
    )
    table.title_justify, table.pad_edge = "left", False
    for number, one in enumerate(told, start=1):
        table.add_row(str(number), *(one.milestones[name] for name in MILESTONES), str(one.events))
    console.print(table)
    for number, one in enumerate(told, start=1):
        console.print(
            f" {number} {one.report or 'no report'}: {one.story.shows}",
            highlight=False,
            soft_wrap=True,
        )
    messages = len(list(inbox.glob("*.json")))
    console.print(
        f"{messages} messages were really sent to a webhook, and lie in {inbox}.\n",
        soft_wrap=True,
        highlight=False,
    )


def _what_next(console: Console, folder: Path, data: Path, told: list[Told], *, keep: bool) -> None:
    console.print("\n[bold]What to try next[/]")
    proof = folder / "dossiers" / f"{told[0].story.incident}.zip"
    lines = {"read a report": str(told[0].report), "check its proof": f"ledger verify {proof}"}
    if keep:
        lines |= {
            "see the stack": f"ledger status --data {data}",
            "replay the history": f"ledger replay --data {data} --incident {told[0].incident}",
            "verify it again": f"ledger verify --data {data}",
            "call an API": f'curl -H "Authorization: Bearer $(ledger token --data {data} --role lead --name you)" '
            f"{state.load(data).services['triage'].url}/incidents",
            "end it": f"ledger down --data {data}",
        }
    else:
        lines |= {
            "keep the stack running": "make demo DEMO=--keep",
            "or start this one again": f"ledger up --detach --data {data}, then ledger verify --data {data}",
            "change a rule": "services/triage/domain/tables.py, then make test",
        }
    for what, how in lines.items():
        console.print(f"  {what:<23} {how}", highlight=False, soft_wrap=True)
    console.print(f"Everything lies in {folder}/; `ledger` stands in .venv/bin.", highlight=False)
