"""Records a history and the three forms of the report that it was published with: `python -m
tests.unit.review.record`, once a format.

What is recorded is never edited or made again: it stands for the reports whose digests are on logs
that we cannot see."""

from pathlib import Path
from typing import Final

from services.review.editions import publication
from services.review.report import build
from services.review.report.as_html import render_html
from services.review.report.as_markdown import render_markdown
from services.review.report.forms import render_json
from services.review.report.model import FORMAT
from shared.contract.catalogue import review
from shared.contract.envelope import Event, read
from shared.contract.vocabulary import ObservationKind
from tests.unit.contract.record import envelope
from tests.unit.review.story import STORY, STORY_WITHOUT, Spoken
from tests.unit.review.test_report import HOSTILE
from tests.unit.review.world import LATER

FOLDER: Final = Path(__file__).parent / "published"
HISTORY: Final = "history.jsonl"
"""One envelope a line, the last one `reviewed`."""

EVIL: Final[Spoken] = (
    1560,
    "reviewer-ria",
    review.ObservationRecorded(kind=ObservationKind.WENT_WRONG, text="\n\n".join(HOSTILE)),
)


def main() -> None:
    folder = FOLDER / f"format-{FORMAT}"
    folder.mkdir(parents=True)
    said: list[Event] = []
    for spoken in sorted((*STORY, *STORY_WITHOUT, EVIL), key=lambda spoken: spoken[0]):
        if not isinstance(spoken[2], review.Reviewed):
            said.append(read(envelope(spoken, said)))
    report = build(said)
    said.append(read(envelope((1600, "reviewer-ria", _reviewed(said)), said)))
    (folder / HISTORY).write_bytes(b"".join(event.envelope + b"\n" for event in said))
    for name, content in (
        ("report.html", render_html(report)),
        ("report.json", render_json(report)),
        ("report.md", render_markdown(report)),
    ):
        (folder / name).write_bytes(content)


def _reviewed(said: list[Event]) -> review.Reviewed:
    publish = publication(said)
    return review.Reviewed(
        report=publish.report,
        covers=publish.covers,
        findings=2,
        action_items=1,
        lessons=1,
        next_review_on=LATER,
    )


if __name__ == "__main__":
    main()
