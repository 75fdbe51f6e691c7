"""What an auditor takes away from a running stack: its history sealed, verified, held against the
services, and one dossier."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from deploy.ledger.run.demo.stories import STORIES
from deploy.ledger.run.demo.telling import begin
from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.contract.authority import Role
from shared.contract.vocabulary import ServiceName
from tests.e2e.world import RUTH, World, ledger, until


@pytest.fixture
async def sealed(world: World, tmp_path: Path) -> Path:
    """The log that review serves, taken away with the services' own words, once it has all of a
    story."""
    await play(world)

    async def all_of_it() -> bool:
        about = json.loads(said("verify", "--data", world.stack.data, "--links-only", "--json"))
        return bool(about["log"]["not_sealed_yet"] == [])

    await until(all_of_it, "all that was said is sealed")
    said("export", tmp_path / "log", "--data", world.stack.data)
    return tmp_path / "log"


async def play(world: World) -> UUID:
    """The demo's first story, to its published report."""
    sources = {
        one["id"]: one
        for one in json.loads(
            (files("deploy.ledger.run.demo") / "incidents.json").read_text("utf-8")
        )
    }
    telling = await begin(world.office, sources[STORIES[0].incident], lambda *_: None)
    await STORIES[0].play(telling)
    await world.office.until(RUTH, ServiceName.REVIEW, telling.incident, "incident.reviewed.v1")
    await world.settled()
    return telling.incident


def said(*arguments: object, code: int = 0) -> str:
    done = ledger(*map(str, arguments))
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def refused(*arguments: object) -> str:
    done = ledger(*map(str, arguments))
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stderr


async def test_what_review_serves_is_clean_to_an_auditor(
    world: World, sealed: Path, tmp_path: Path
) -> None:
    """`sealed` says that all is there."""
    url = f"{world.office.urls[ServiceName.REVIEW]}/log/"
    token = issue(Keys.of(world.stack.data), "an-auditor", [Role.AUDITOR])
    assert "an auditor's token" in refused("verify", url, "--vkey", sealed / "log.vkey")
    about = json.loads(
        said(
            "verify",
            url,
            "--token",
            token,
            "--vkey",
            sealed / "log.vkey",
            "--state",
            tmp_path / "seen.json",
            "--json",
        )
    )
    assert (about["findings"], about["log"]["unstated"]) == ([], True)


async def test_a_stacks_history_is_clean_to_somebody_who_trusts_nobody(
    world: World, sealed: Path, tmp_path: Path
) -> None:
    state = tmp_path / "seen.json"
    about = json.loads(said("verify", sealed, "--state", state, "--every-signature", "--json"))
    assert (about["findings"], about["log"]["not_sealed_yet"]) == ([], [])
    assert about["events"]["reviewed"] >= 1

    known = [json.loads(line) for line in said("replay", sealed, "--known", "--json").splitlines()]
    published = next(one["incident_id"] for one in known if one["review"]["status"] == "published")
    assert (
        said("diff", sealed, "--incident", published, "--data", world.stack.data, "--json").strip()
        == "[]"
    )
    differences: list[dict[str, Any]] = json.loads(
        said(
            "diff",
            sealed,
            "--incident",
            published,
            "--until",
            3,
            "--data",
            world.stack.data,
            "--json",
            code=1,
        )
    )
    assert {one["service"] for one in differences} == set(ServiceName)

    dossier = tmp_path / "dossier.zip"
    said("dossier", published, "-o", dossier, sealed, "--data", world.stack.data)
    proven = json.loads(said("verify", dossier, "--trust", world.stack.trust_file, "--json"))
    assert proven["clean"]
    assert proven["dossier"]["events"] == next(
        one["events"] for one in known if one["incident_id"] == published
    )
    report = said("report", published, "--format", "skeleton", "--data", world.stack.data)
    assert report.encode() in dossier.read_bytes()
    assert proven["dossier"]["texts"]["shown"] == 0

    texts = proven["dossier"]["texts"]["withheld"]
    for_court = tmp_path / "for a court.zip"
    stack = ("--data", world.stack.data)
    said("dossier", published, "-o", for_court, sealed, *stack, "--for", "court")
    shown = json.loads(said("verify", for_court, "--json"))
    assert shown["clean"]
    assert shown["dossier"]["texts"] == {"shown": texts, "withheld": 0, "erased": 0}

    taken = tmp_path / "taken for a court"
    said("export", taken, *stack, "--for", "court", "--withhold", "fact_recorded")
    exported = json.loads(said("verify", taken, "--state", tmp_path / "state", "--json"))
    assert exported["clean"]
    assert exported["log"]["texts"]["shown"] >= texts // 2
    assert exported["log"]["texts"]["withheld"] > 0
