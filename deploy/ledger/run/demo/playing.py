"""Plays the stories on a running stack, and keeps what each left: its milestones and its report."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

from deploy.ledger.printing import bold, say
from deploy.ledger.run.demo.office import Office, office_of
from deploy.ledger.run.demo.papers import write_report
from deploy.ledger.run.demo.stories import STORIES, Story
from deploy.ledger.run.demo.telling import begin
from deploy.local.state import Stack
from shared.contract.catalogue import MILESTONES, short_name


@dataclass(frozen=True, slots=True)
class Told:
    """A story that was played: its incident, its milestones with their times, and where its report
    lies, if it has one."""

    story: Story
    source: Mapping[str, str]
    incident: UUID
    milestones: Mapping[str, str]
    events: int
    report: Path | None


async def play(running: Stack, reports: Path) -> list[Told]:
    """All stories, one after another. Raises StackError."""
    incidents = json.loads((files(__package__) / "incidents.json").read_text("utf-8"))
    sources = {source["id"]: source for source in incidents}
    async with office_of(running) as office:
        told = [await _tell(office, story, sources[story.incident], reports) for story in STORIES]
        await office.settled()
    return told


async def _tell(office: Office, story: Story, source: Mapping[str, str], reports: Path) -> Told:
    say(bold(source["organisation"]), f", {source['platform']}: {story.shows}")
    telling = await begin(office, source, lambda *parts: say("  • ", *parts))
    await story.play(telling)
    events = await office.whole_story(telling.incident)
    say()
    return Told(
        story,
        source,
        telling.incident,
        _milestones(events),
        len(events),
        await write_report(office, telling.incident, reports, story.incident)
        if story.reviewed
        else None,
    )


def _milestones(events: list[dict[str, Any]]) -> dict[str, str]:
    times: dict[str, str] = {}
    for event in events:
        times.setdefault(short_name(event["type"]), event["time"][11:19])
    return {name: times.get(name, "–") for name in MILESTONES}
