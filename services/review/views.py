"""What an event writes into review's views: reviews, action items and lessons. `queries` reads
them."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from shared.contract.catalogue.intake import Reported
from shared.contract.catalogue.review import (
    FindingRecorded,
    LessonRecorded,
    NextReviewSet,
    Reviewed,
    ReviewOpened,
)
from shared.contract.catalogue.triage import Assessed, IncidentDismissed
from shared.contract.disclosure import only_digest
from shared.runtime.say.plan import Recorded, Write

TABLES: Final = ("review", "action_item", "lesson")


def project(recorded: Recorded) -> Iterable[Write]:
    if recorded.version == 1:
        yield _known(recorded)
    incident_id, at, data = recorded.event.incident_id, recorded.event.time, recorded.event.data
    match data:
        case Reported(opens=True) if recorded.version > 1:
            yield Write(
                "UPDATE review SET exercise = $2, reported_at = $3 WHERE incident_id = $1",
                (incident_id, data.exercise, at),
            )
        case Assessed():
            yield Write(
                "UPDATE review SET determination = $2, severity = $3 WHERE incident_id = $1",
                (incident_id, data.determination.value, data.severity.value),
            )
        case IncidentDismissed():
            yield Write("UPDATE review SET dismissed = true WHERE incident_id = $1", (incident_id,))
        case ReviewOpened():
            yield Write(
                "UPDATE review SET status = 'open', opened_at = $2 WHERE incident_id = $1",
                (incident_id, at),
            )
        case FindingRecorded():
            yield from _found(incident_id, data)
        case LessonRecorded():
            yield from _learned(recorded.event.id, incident_id, data)
        case NextReviewSet():
            yield Write(
                "UPDATE review SET next_review_on = $2 WHERE incident_id = $1",
                (incident_id, data.on),
            )
        case Reviewed():
            yield Write(
                "UPDATE review SET status = 'published', published_at = $2 WHERE incident_id = $1",
                (incident_id, at),
            )


def _known(recorded: Recorded) -> Write:
    """The first that review knows of an incident: in most cases the report that opened it."""
    event = recorded.event
    opening = event.data if isinstance(event.data, Reported) and event.data.opens else None
    return Write(
        """INSERT INTO review (incident_id, known_since, exercise, reported_at)
           VALUES ($1, $2, $3, $4)""",
        (
            event.incident_id,
            event.time,
            opening.exercise if opening else None,
            event.time if opening else None,
        ),
    )


def _learned(lesson_id: UUID, incident_id: UUID, data: LessonRecorded) -> Iterable[Write]:
    yield Write("UPDATE review SET lessons = lessons + 1 WHERE incident_id = $1", (incident_id,))
    yield Write(
        "INSERT INTO lesson (lesson_id, incident_id, text) VALUES ($1, $2, $3)",
        (lesson_id, incident_id, only_digest(data)),
    )


def _found(incident_id: UUID, data: FindingRecorded) -> Iterable[Write]:
    yield Write(
        """UPDATE review SET findings = findings + 1, action_items = action_items + $2
           WHERE incident_id = $1""",
        (incident_id, len(data.action_items)),
    )
    for number, item in enumerate(data.action_items, start=1):
        yield Write(
            """INSERT INTO action_item (finding_id, number, incident_id, description, owner, due)
               VALUES ($1, $2, $3, $4, $5, $6)""",
            (data.finding_id, number, incident_id, only_digest(item), item.owner, item.due),
        )
