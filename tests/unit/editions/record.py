"""Records the digests of the editions that have none, and with new ones a log of what is decided
under the newest: `python -m tests.unit.editions.record`.

What is recorded is never edited or made again: it stands for what was decided in deployments that
we cannot see."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from services.intake.domain.commands import Report
from services.review.domain.commands import OpenReview, Publish, RecordFinding
from services.triage.domain.commands import Assess
from shared.contract.envelope import Event, read
from shared.contract.vocabulary import ServiceName
from tests.unit.editions.tables import EDITIONS, as_text
from tests.unit.editions.telling import Telling

FOLDER: Final = Path(__file__).parent / "recorded"
DIGESTS: Final = FOLDER / "digests.json"
"""SHA-256 of each edition's tables, by service and edition."""
SEEDS: Final = (55, 6, 3, 38, 58, 33)
STEPS: Final = 500
"""Walks that every table has a say in, found by trying."""
A_NEAR_MISS: Final = (1, 60)
PLAIN: Final = (Report, Assess, OpenReview, RecordFinding, Publish)
"""What it takes to publish, and nothing that would contain anything."""


def digest(service: ServiceName, edition: int) -> str:
    return hashlib.sha256(as_text(EDITIONS[service].under(edition)).encode()).hexdigest()


def recorded() -> dict[str, dict[str, str]]:
    return json.loads(DIGESTS.read_text()) if DIGESTS.exists() else {}


def logs() -> Sequence[Path]:
    return sorted(FOLDER.glob("*.jsonl"))


def incidents(log: Path) -> Mapping[str, list[Event]]:
    """By id, in the order of the log."""
    events = [read(line) for line in log.read_bytes().splitlines()]
    return {
        str(subject): list(own) for subject, own in groupby(events, lambda one: one.incident_id)
    }


def said() -> Iterator[Event]:
    for seed in SEEDS:
        yield from Telling.of(seed).go(STEPS).events
    seed, steps = A_NEAR_MISS
    yield from Telling.of(seed).among(PLAIN, steps).events


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    known, new = recorded(), False
    for service, editions in EDITIONS.items():
        for edition in editions.tables:
            of_service = known.setdefault(service.value, {})
            new |= str(edition) not in of_service
            of_service.setdefault(str(edition), digest(service, edition))
    if new:
        DIGESTS.write_text(json.dumps(known, indent=2) + "\n")
        log = FOLDER / f"log-{len(logs()) + 1:02}.jsonl"
        log.write_bytes(b"".join(event.envelope + b"\n" for event in said()))


if __name__ == "__main__":
    main()
