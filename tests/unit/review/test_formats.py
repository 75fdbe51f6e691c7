"""A published report stays as it is: each format's bytes over a recorded history, standing for the
digests on logs that we cannot see, and for the editions that others keep."""

import hashlib
import json
from pathlib import Path
from typing import Final

import pytest

from services.review.audit import SKELETON, audit, reports
from services.review.editions import edition, skeleton
from services.review.report import UnknownReportFormat
from services.review.report.model import FORMAT, FORMATS
from shared.contract.catalogue.base import Part
from shared.contract.catalogue.review import ContentErased, ReportDigest, Reviewed
from shared.contract.disclosure import digests
from shared.contract.envelope import read
from tests.unit.review.record import EDITIONS, FOLDER, HISTORY, TEXTS, History

RECORDED: Final = sorted(FOLDER.iterdir())
FILES: Final = ("report.html", "report.json", "report.md")
KEEP: Final = (
    "the same events and texts give another report than before, so every report that was published "
    "in this format could no longer be shown or verified, and no dossier with an edition of it. If "
    "you did not mean that, take it back. If you did: keep what makes this format, make a new one "
    "beside it, count FORMAT up, let `published` in services/review/report/__init__.py pick by the "
    "digest's format, and record the new one with `python -m tests.unit.review.record`"
)


@pytest.fixture(params=RECORDED, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


def digest(folder: Path) -> ReportDigest:
    *_, reviewed, _ = History(folder).events
    assert isinstance(reviewed.data, Reviewed)
    return reviewed.data.report


def same(made: bytes, recorded: bytes) -> None:
    assert made.decode().splitlines() == recorded.decode().splitlines(), KEEP
    assert made == recorded, KEEP


def test_the_format_in_use_is_recorded() -> None:
    assert FOLDER / f"format-{FORMAT}" in RECORDED, (
        "record it, once and for all: python -m tests.unit.review.record"
    )


def test_every_format_that_can_be_made_is_recorded() -> None:
    assert {f"format-{one}" for one in FORMATS} == {folder.name for folder in RECORDED}


@pytest.mark.parametrize("name", EDITIONS)
def test_an_edition_is_made_again_to_the_byte(folder: Path, name: str) -> None:
    made = History(folder).edition(name)
    assert set(made) == {SKELETON, *FILES}
    for file in FILES:
        same(made[file], (folder / name / file).read_bytes())


@pytest.mark.parametrize("name", EDITIONS)
def test_the_skeleton_is_made_again_to_the_byte_whatever_is_erased(folder: Path, name: str) -> None:
    same(History(folder).edition(name)[SKELETON], (folder / SKELETON).read_bytes())


def test_the_digest_on_the_log_is_that_of_the_skeleton_and_every_edition_names_it(
    folder: Path,
) -> None:
    said = digest(folder)
    assert f"format-{said.format}" == folder.name
    assert hashlib.sha256((folder / SKELETON).read_bytes()).hexdigest() == said.skeleton_sha256
    for name in EDITIONS:
        for file in FILES:
            assert said.skeleton_sha256 in (folder / name / file).read_text()


def test_an_auditor_finds_nothing_before_or_after_the_erasure(folder: Path) -> None:
    history = History(folder)
    for events in (history.events[:-1], history.events):
        assert [one.rule for one in audit(events) if one.rule.startswith("report_")] == []


def test_the_recorded_texts_are_those_of_the_events(folder: Path) -> None:
    history = History(folder)
    parts = [event.data for event in history.events if isinstance(event.data, Part)]
    assert set(history.found) == {one for part in parts for one in digests(part)}
    assert len((folder / TEXTS).read_text().splitlines()) == len(history.found) > 40


def test_no_erased_text_stands_in_the_edition_after(folder: Path) -> None:
    history = History(folder)
    erasure = history.events[-1].data
    assert isinstance(erasure, ContentErased)
    whole, holes = (texts_in((folder / name / "report.json").read_bytes()) for name in EDITIONS)
    gone = {history.found[one.digest].named()[1] for one in erasure.texts}
    assert len(gone & whole) >= 8
    assert not gone & holes


def texts_in(report: bytes) -> set[str]:
    """Every text of the JSON, at whatever depth."""
    found: set[str] = set()

    def keep(pairs: list[tuple[str, object]]) -> None:
        for _, value in pairs:
            found.update(one for one in (value if isinstance(value, list) else [value]) if one)

    json.loads(report, object_pairs_hook=keep)
    return found


def test_a_format_that_is_new_to_this_reader_is_named() -> None:
    folder = FOLDER / f"format-{FORMAT}"
    said, next_one = b'"report":{"format":%d,' % FORMAT, b'"report":{"format":%d,' % (FORMAT + 1)
    newer = (folder / HISTORY).read_bytes().replace(said, next_one)
    events = [read(line) for line in newer.splitlines()]
    for show in (reports, skeleton, lambda known: edition(known, {})):
        with pytest.raises(UnknownReportFormat, match=f"does not know report format {FORMAT + 1}"):
            show(events)
