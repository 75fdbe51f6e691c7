"""What an auditor takes away from a running stack: its history sealed, verified, held against the services, and one dossier."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.cli.demo.stories import STORIES, begin
from shared.cli.sources import open_sources
from shared.contract.vocabulary import ServiceName
from shared.runtime.auditing import messages
from shared.runtime.receiving import Heard, examine
from tests.e2e.world import RUTH, World, ledger
from tests.unit.audit.world import put, seal


@pytest.fixture
async def sealed(world: World, tmp_path: Path) -> Path:
    """The stack's topic as a sealer makes it a log, with the services' own words."""
    await play(world)
    sources = open_sources(world.stack.data)
    heard = [examine(record, sources.trust) async for record in messages(sources.kafka, sources.topic)]
    events = [one for one in heard if isinstance(one, Heard)]
    assert len(events) == len(heard)
    seal(tmp_path / "log", [one.event.envelope for one in events], [one.record.signature for one in events])
    put(tmp_path / "log", "trust", world.stack.trust_file.read_bytes())
    for service in ServiceName:
        answer = await world.office.http.get(f"{world.office.urls[service]}/chains")
        put(tmp_path / "log", f"chains/{service}", answer.raise_for_status().content)
    return tmp_path / "log"


async def play(world: World) -> UUID:
    """The demo's first story, to its published report."""
    sources = {one["id"]: one for one in json.loads((files("shared.cli.demo") / "incidents.json").read_text("utf-8"))}
    telling = await begin(world.office, sources[STORIES[0].incident], lambda _: None)
    await STORIES[0].play(telling)
    await world.office.until(RUTH, ServiceName.REVIEW, telling.incident, "incident.reviewed.v1")
    await world.settled()
    return telling.incident


def said(*arguments: object, code: int = 0) -> str:
    done = ledger(*map(str, arguments))
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


async def test_a_stacks_history_is_clean_to_somebody_who_trusts_nobody(
    world: World, sealed: Path, tmp_path: Path
) -> None:
    state = tmp_path / "seen.json"
    about = json.loads(said("verify", sealed, "--state", state, "--every-signature", "--json"))
    assert (about["findings"], about["log"]["not_sealed_yet"]) == ([], [])
    assert about["events"]["reviewed"] >= 1

    known = [json.loads(line) for line in said("replay", sealed, "--known", "--json").splitlines()]
    published = next(one["incident_id"] for one in known if one["review"]["status"] == "published")
    assert said("diff", sealed, "--incident", published, "--data", world.stack.data, "--json").strip() == "[]"
    differences: list[dict[str, Any]] = json.loads(
        said("diff", sealed, "--incident", published, "--until", 3, "--data", world.stack.data, "--json", code=1)
    )
    assert {one["service"] for one in differences} == set(ServiceName)

    dossier = tmp_path / "dossier.zip"
    said("dossier", published, "-o", dossier, sealed, "--data", world.stack.data)
    proven = json.loads(said("verify", dossier, "--trust", world.stack.trust_file, "--json"))
    assert proven["clean"]
    assert proven["dossier"]["events"] == next(one["events"] for one in known if one["incident_id"] == published)
    report = said("report", published, "--format", "json", "--data", world.stack.data)
    assert report.encode() in dossier.read_bytes()
