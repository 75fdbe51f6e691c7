"""Records a history and the report that it was published with, once a format: `python -m
tests.unit.review.record`.

What is recorded is never edited or made again: it stands for the reports whose digests are on logs
that we cannot see, and for the editions in dossiers that others keep."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from services.review.audit import SKELETON, reports
from services.review.editions import publication
from services.review.report.model import FORMAT
from shared.contract.catalogue import review, triage
from shared.contract.catalogue.base import Exposure
from shared.contract.disclosure import (
    SALT_BYTES,
    Disclosure,
    by_digest,
    conceal,
    digests,
    read_disclosure,
)
from shared.contract.envelope import Event, read
from shared.contract.vocabulary import (
    Confidence,
    Determination,
    FactKey,
    LegalView,
    ObservationKind,
    Platform,
    Severity,
)
from tests.unit.contract.record import envelope
from tests.unit.given import START
from tests.unit.review.story import STORY, STORY_WITHOUT, TAKEDOWN, Spoken
from tests.unit.review.test_report import FORGETTING, HOSTILE
from tests.unit.review.world import LATER

FOLDER: Final = Path(__file__).parent / "published"
HISTORY: Final = "history.jsonl"
"""One envelope a line; `reviewed` and after it an erasure are the last."""
TEXTS: Final = "disclosures.txt"
"""One disclosure a line: all texts, also those that are erased at the end."""
WHOLE: Final = "whole"
"""The edition before the erasure, with every text."""
HOLES: Final = "holes"
"""The edition after it, with some texts withheld."""
EDITIONS: Final = (WHOLE, HOLES)

EVIL: Final[Spoken] = (
    1560,
    "reviewer-ria",
    review.ObservationRecorded(kind=ObservationKind.WENT_WRONG, text="\n\n".join(HOSTILE)),
)
MORE: Final[tuple[Spoken, ...]] = (
    EVIL,
    (
        17,
        "responder-rob",
        triage.FactRecorded(
            fact_id=UUID(int=0xDA),
            key=FactKey.OTHER,
            label="Weather in the picture",
            known=True,
            value="It rained.",
            confidence=Confidence.LOW,
            source="The picture itself",
            observed_at=START,
        ),
    ),
    (
        83,
        "legal-liv",
        triage.LegalViewGiven(
            action_id=TAKEDOWN,
            view=LegalView.CLEARED_WITH_CONDITIONS,
            ground="Terms of use of the platform.",
            conditions="Only by its own form.",
        ),
    ),
    (
        84,
        "responder-rob",
        triage.Assessed(
            revision=2,
            determination=Determination.CONFIRMED,
            information_types=(),
            exposure=Exposure(platform=Platform.MASTODON, platform_name="Mastodon", copies=2),
            severity=Severity.CRITICAL,
            severity_rule="overridden",
            severity_override_reason="A competitor has shared it.",
        ),
    ),
    *((1570 + number, by, data) for number, (_, by, data) in enumerate(FORGETTING)),
)
"""What neither story has: every confidential field, and every event about forgetting."""


class History:
    """What lies in a folder."""

    def __init__(self, folder: Path) -> None:
        self.events = [read(line) for line in (folder / HISTORY).read_bytes().splitlines()]
        self.found = by_digest(map(read_disclosure, (folder / TEXTS).read_text().splitlines()))

    def edition(self, name: str) -> Mapping[str, bytes]:
        """The files of one edition."""
        if name == WHOLE:
            return reports(self.events[:-1], self.found)
        return reports(self.events, without_each_third(self.found))


def without_each_third(found: Mapping[str, Disclosure]) -> dict[str, Disclosure]:
    return {digest: found[digest] for number, digest in enumerate(sorted(found)) if number % 3}


def main() -> None:
    folder = FOLDER / f"format-{FORMAT}"
    folder.mkdir(parents=True)
    said, texts = _said()
    (folder / HISTORY).write_bytes(b"".join(event.envelope + b"\n" for event in said))
    (folder / TEXTS).write_text("".join(f"{one.text}\n" for one in texts), encoding="ascii")
    history = History(folder)
    for name in EDITIONS:
        (folder / name).mkdir()
        for file, content in history.edition(name).items():
            (folder if file == SKELETON else folder / name).joinpath(file).write_bytes(content)


def _said() -> tuple[list[Event], list[Disclosure]]:
    salts = (number.to_bytes(SALT_BYTES) for number in itertools.count(1))
    said: list[Event] = []
    texts: list[Disclosure] = []
    for minutes, by, data in sorted((*STORY, *STORY_WITHOUT, *MORE), key=lambda spoken: spoken[0]):
        if not isinstance(data, review.Reviewed):
            bare, disclosures = conceal(data, lambda: next(salts))
            texts += disclosures
            said.append(read(envelope((minutes, by, bare), said)))
    said.append(read(envelope((1600, "reviewer-ria", _reviewed(said)), said)))
    said.append(read(envelope((9000, "legal-liv", _erased(said, by_digest(texts))), said)))
    return said, texts


def _reviewed(said: Sequence[Event]) -> review.Reviewed:
    publish = publication(said)
    return review.Reviewed(
        report=publish.report,
        covers=publish.covers,
        findings=2,
        action_items=1,
        lessons=1,
        next_review_on=LATER,
    )


def _erased(said: Sequence[Event], found: Mapping[str, Disclosure]) -> review.ContentErased:
    """The first report's description, one field of each event that has several, and a lesson."""

    def gone() -> Iterator[review.ErasedText]:
        for event in said:
            own = [(found[one].named()[0], one) for one in digests(event.data)]
            several = len(own) > 1 or event.type == "incident.lesson_recorded.v1"
            for name, one in sorted(own)[: 1 if several else 0]:
                yield review.ErasedText(event_id=event.id, name=name, digest=one)

    return review.ContentErased(
        erasure_id=UUID(int=0xEE),
        ground=review.ErasureGround.CONSENT_WITHDRAWN,
        texts=tuple(gone()),
        requested_by="privacy-pia",
        confirmed_by="legal-liv",
    )


if __name__ == "__main__":
    main()
