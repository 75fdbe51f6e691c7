"""A published report stays as it is: each format's bytes over a recorded history, standing for the
digests on logs that we cannot see."""

import hashlib
from pathlib import Path
from typing import Final

import pytest

from services.review.audit import reports
from services.review.editions import edition
from services.review.report import UnknownReportFormat, build
from services.review.report.as_markdown import render_markdown
from services.review.report.model import FORMAT
from services.review.report.plain import PLAIN
from shared.contract.catalogue.review import ReportDigest, Reviewed
from shared.contract.envelope import Event, read
from shared.contract.visible import visible
from tests.unit.review.record import FOLDER, HISTORY

FORMS: Final = {
    "report.html": "html_sha256",
    "report.json": "json_sha256",
    "report.md": "markdown_sha256",
}
RECORDED: Final = sorted(FOLDER.iterdir())
KEEP: Final = (
    "the same events give another report than before, so every report that was published in this "
    "format could no longer be shown or "
    "verified. If you did not mean that, take it back. If you did: keep what makes this format, "
    "make a new one beside it, count FORMAT "
    "up, let `published` in services/review/report/__init__.py pick by the digest's format, and "
    "record the new one with "
    "`python -m tests.unit.review.record`"
)


def history(folder: Path) -> list[Event]:
    return [read(line) for line in (folder / HISTORY).read_bytes().splitlines()]


def digest(folder: Path) -> ReportDigest:
    reviewed = history(folder)[-1].data
    assert isinstance(reviewed, Reviewed)
    return reviewed.report


def test_the_format_in_use_is_recorded() -> None:
    assert FOLDER / f"format-{FORMAT}" in RECORDED, (
        "record it, once and for all: python -m tests.unit.review.record"
    )


@pytest.mark.parametrize("folder", RECORDED, ids=lambda folder: folder.name)
@pytest.mark.parametrize("name", FORMS)
def test_what_was_published_is_made_again_to_the_byte(folder: Path, name: str) -> None:
    made, recorded = reports(history(folder))[name], (folder / name).read_bytes()
    assert made.decode().splitlines() == recorded.decode().splitlines(), KEEP
    assert made == recorded, KEEP


@pytest.mark.parametrize("folder", RECORDED, ids=lambda folder: folder.name)
@pytest.mark.parametrize("name", FORMS)
def test_a_recording_is_never_edited(folder: Path, name: str) -> None:
    said = digest(folder)
    assert f"format-{said.format}" == folder.name
    assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == getattr(said, FORMS[name])


def test_a_report_from_before_formats_were_said_is_of_the_first() -> None:
    assert b'"format"' not in (FOLDER / "format-1" / HISTORY).read_bytes()
    assert digest(FOLDER / "format-1").format == 1


def test_a_format_that_is_new_to_this_reader_is_named() -> None:
    folder = FOLDER / f"format-{FORMAT}"
    said, next_one = b'"report":{"format":%d,' % FORMAT, b'"report":{"format":%d,' % (FORMAT + 1)
    newer = (folder / HISTORY).read_bytes().replace(said, next_one)
    events = [read(line) for line in newer.splitlines()]
    for show in (reports, edition):
        with pytest.raises(UnknownReportFormat, match=f"does not know report format {FORMAT + 1}"):
            show(events)


def test_formats_differ_in_nothing_but_what_they_show_as_invisible_and_their_number() -> None:
    events = history(FOLDER / "format-1")[:-1]
    first, second = (render_markdown(build(events, format_=one)).decode() for one in (1, 2))
    assert first != second
    assert visible(first).replace("(format 1)", "(format 2)") == second


def test_every_format_that_can_be_made_is_recorded() -> None:
    assert {f"format-{one}" for one in PLAIN} == {folder.name for folder in RECORDED}
