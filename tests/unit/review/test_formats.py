"""A published report stays as it is: each format's bytes over a recorded history, standing for the
digests on logs that we cannot see, and for the editions that others keep."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

import pytest

from services.review.audit import SKELETON, audit, reports
from services.review.editions import edition, skeleton
from services.review.report import UnknownReportFormat
from services.review.report.model import FORMAT, FORMATS
from shared.contract.catalogue import EVENTS
from shared.contract.catalogue.base import Part
from shared.contract.catalogue.review import ContentErased, ReportDigest, Reviewed
from shared.contract.catalogue.system import SystemRecord
from shared.contract.disclosure import digests, fields_of
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


def test_the_recorded_history_has_every_confidential_field_and_every_type_of_event() -> None:
    """Of the format in use: what it leaves out could change its bytes unseen."""
    known = [event.data for event in History(FOLDER / f"format-{FORMAT}").events]
    assert {type(data) for data in known} == {
        one for one in EVENTS if not issubclass(one, SystemRecord)
    }
    found = History(FOLDER / f"format-{FORMAT}").found
    given = {name for name, _ in (one.named() for one in found.values())}
    every = {name for data in known for part in parts_in(type(data)) for name in fields_of(part)[0]}
    assert given == every - {"foreign"}, "the report shows nothing of a foreign event"


def parts_in(part: type[Part]) -> Iterator[type[Part]]:
    yield part
    for name in fields_of(part).parts:
        hint = part.model_fields[name].annotation
        inner = [one for one in (hint, *get_args(hint)) if isinstance(one, type)]
        yield from (one for one in inner if issubclass(one, Part))


def test_no_erased_text_stands_in_the_edition_after(folder: Path) -> None:
    history = History(folder)
    erasure = history.events[-1].data
    assert isinstance(erasure, ContentErased)
    whole, holes = (texts_in((folder / name / "report.json").read_bytes()) for name in EDITIONS)
    erased = {one.digest for one in erasure.texts}
    words = {digest: one.named()[1] for digest, one in history.found.items()}
    gone = {words[one] for one in erased} - {words[one] for one in words.keys() - erased}
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
