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
from services.notify.domain.commands import (
    Approve,
    DraftCommunication,
    RecordDelivered,
    RequestSend,
    StartSend,
)
from services.review.domain.commands import OpenReview, Publish, RecordFinding
from services.review.domain.tables import KIND_OF
from services.triage.domain.commands import Assess, FillSeat, RecordFact
from shared.contract.envelope import Event, read
from shared.contract.vocabulary import ServiceName
from tests.unit.editions.tables import EDITIONS, as_text
from tests.unit.editions.telling import Telling

FOLDER: Final = Path(__file__).parent / "recorded"
DIGESTS: Final = FOLDER / "digests.json"
"""SHA-256 of each edition's tables, by service and edition."""
KINDS: Final = FOLDER / "kinds.json"
"""Of which kind the texts of each type of event are: it has no editions, and only grows."""

TELLING: Final = (
    *(Report, RecordFact, RecordFact, RecordFact, Assess, FillSeat),
    *(DraftCommunication, Approve, Approve, RequestSend, StartSend, RecordDelivered),
)
"""What it takes to tell somebody outside."""
PUBLISHING: Final = (Report, Assess, OpenReview, RecordFinding, Publish)
"""What it takes to publish, and nothing that would contain anything."""
WALKS: Final[Sequence[tuple[int, Sequence[type], int]]] = (
    *((seed, (), 500) for seed in (55, 19, 30, 23, 56, 51)),
    (8, TELLING, 300),
    (1, PUBLISHING, 60),
)
"""Seeds, kinds of command (none: all) and steps of walks in which every table has a say; found by
trying."""


def digest(service: ServiceName, edition: int) -> str:
    return hashlib.sha256(as_text(EDITIONS[service].under(edition)).encode()).hexdigest()


def recorded() -> dict[str, dict[str, str]]:
    return json.loads(DIGESTS.read_text()) if DIGESTS.exists() else {}


def logs() -> Sequence[Path]:
    return sorted(FOLDER.glob("*.jsonl"))


def incidents(log: Path) -> Mapping[str, list[Event]]:
    """By id, in the order of the log."""
    events = [read(line) for line in log.read_bytes().splitlines()]
    return {str(subject): list(own) for subject, own in groupby(events, lambda one: one.subject_id)}


def kinds() -> dict[str, str]:
    return {event.TYPE: kind.value for event, kind in KIND_OF.items()}


def said() -> Iterator[Event]:
    for seed, some, steps in WALKS:
        telling = Telling.of(seed)
        yield from (telling.among(some, steps) if some else telling.go(steps)).events


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
        KINDS.write_text(json.dumps(kinds(), indent=2) + "\n")
        log = FOLDER / f"log-{len(logs()) + 1:02}.jsonl"
        log.write_bytes(b"".join(event.envelope + b"\n" for event in said()))


if __name__ == "__main__":
    main()
