"""Plays the stories on a running stack, and keeps what each left: its milestones and its report."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx

from deploy.ledger.printing import bold, say
from deploy.ledger.run.demo.cast import PEOPLE, RUTH, Office
from deploy.ledger.run.demo.stories import STORIES, Story
from deploy.ledger.run.demo.telling import begin
from deploy.local import state
from deploy.local.errors import StackError
from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.contract.catalogue import MILESTONES, short_name
from shared.contract.vocabulary import ServiceName

SETTLED_WITHIN: Final = 30.0
"""Seconds in which every service must have heard everything, before the history is verified."""
FORMS: Final = {"markdown": "md", "json": "json", "html": "html"}


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


async def play(running: state.Stack, keys: Keys, reports: Path) -> list[Told]:
    """All stories, one after another. Raises Unexpected or StackError."""
    incidents = json.loads((files(__package__) / "incidents.json").read_text("utf-8"))
    sources = {source["id"]: source for source in incidents}
    urls = {service: running.services[service.value].url for service in ServiceName}
    tokens = {person.name: issue(keys, person.name, [person.role]) for person in PEOPLE}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        office = Office(urls, tokens, client)
        told = [await _tell(office, story, sources[story.incident], reports) for story in STORIES]
        await _settled(client, urls)
    return told


async def _tell(office: Office, story: Story, source: Mapping[str, str], reports: Path) -> Told:
    say(bold(source["organisation"]), f", {source['platform']}: {story.shows}")
    telling = await begin(office, source, lambda *parts: say("  • ", *parts))
    await story.play(telling)
    # Review's own log shows all five, once it has heard what it said last.
    await office.until(RUTH, ServiceName.REVIEW, telling.incident, "incident.reported.v1")
    events = await _whole_story(office, telling.incident)
    say()
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
    """Writes the report in each form; the page's path, or None for a story without a review."""
    if not story.reviewed:
        return None
    reports.mkdir(parents=True, exist_ok=True)
    for form, ending in FORMS.items():
        text = await office.text(
            RUTH, ServiceName.REVIEW, f"/incidents/{incident}/report?format={form}"
        )
        (reports / f"{story.incident}.{ending}").write_text(text, encoding="utf-8", newline="")
    return reports / f"{story.incident}.html"


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
