"""What review's readers see: reviews, action items and who owes them, lessons. Its only SQL."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.review.bodies import ActionItemView, LessonView, ReviewView, Status
from shared.contract.catalogue.intake import Reported
from shared.contract.catalogue.review import (
    FindingRecorded,
    LessonRecorded,
    NextReviewSet,
    Reviewed,
    ReviewOpened,
)
from shared.contract.catalogue.triage import Assessed, IncidentDismissed
from shared.contract.vocabulary import Severity
from shared.runtime.process.database import Connection
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
        (lesson_id, incident_id, data.text),
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
            (data.finding_id, number, incident_id, item.description, item.owner, item.due),
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reviews a reader asks for; None asks for any."""

    status: Status | None = None
    exercise: bool | None = None
    severity: Severity | None = None


async def reviews(
    connection: Connection, wanted: Wanted, limit: int, before: tuple[datetime, UUID] | None = None
) -> list[ReviewView]:
    """The newest first; `before` is the known_since and incident_id of the last one of the page
    before."""
    rows = await connection.fetch(
        """SELECT * FROM review
           WHERE ($1::text IS NULL OR status = $1)
           AND ($2::boolean IS NULL OR exercise = $2)
           AND ($3::text IS NULL OR severity = $3)
           AND ($4::timestamptz IS NULL OR (known_since, incident_id) < ($4, $5::uuid))
           ORDER BY known_since DESC, incident_id DESC LIMIT $6""",
        wanted.status.value if wanted.status else None,
        wanted.exercise,
        wanted.severity.value if wanted.severity else None,
        *(before or (None, None)),
        limit,
    )
    return [ReviewView(**row) for row in rows]


async def review(connection: Connection, incident_id: UUID) -> ReviewView | None:
    row = await connection.fetchrow("SELECT * FROM review WHERE incident_id = $1", incident_id)
    return None if row is None else ReviewView(**row)


@dataclass(frozen=True, slots=True)
class Owed:
    """Which action items a reader asks for; None asks for any."""

    owner: str | None = None
    due_before: date | None = None
    exercise: bool | None = None
    status: Status | None = None
    incident_id: UUID | None = None


async def action_items(
    connection: Connection, wanted: Owed, limit: int, after: tuple[date, UUID, int] | None = None
) -> list[ActionItemView]:
    """What is due first comes first; `after` is due, finding_id and number of the last one of the
    page before."""
    rows = await connection.fetch(
        """SELECT action_item.*, review.exercise, review.status
           FROM action_item JOIN review USING (incident_id)
           WHERE ($1::text IS NULL OR owner = $1)
           AND ($2::date IS NULL OR due < $2)
           AND ($3::boolean IS NULL OR exercise = $3)
           AND ($4::text IS NULL OR status = $4)
           AND ($5::uuid IS NULL OR incident_id = $5)
           AND ($6::date IS NULL OR (due, finding_id, number) > ($6, $7::uuid, $8::smallint))
           ORDER BY due, finding_id, number LIMIT $9""",
        wanted.owner,
        wanted.due_before,
        wanted.exercise,
        wanted.status.value if wanted.status else None,
        wanted.incident_id,
        *(after or (None, None, None)),
        limit,
    )
    return [ActionItemView(**row) for row in rows]


async def lessons(
    connection: Connection,
    exercise: bool | None,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> list[LessonView]:
    """Of published reports, the newest first; `before` is the published_at and lesson_id of the
    last one of the page before."""
    rows = await connection.fetch(
        """SELECT lesson.*, review.exercise, review.published_at
           FROM lesson JOIN review USING (incident_id)
           WHERE status = 'published'
           AND ($1::boolean IS NULL OR exercise = $1)
           AND ($2::timestamptz IS NULL OR (published_at, lesson_id) < ($2, $3::uuid))
           ORDER BY published_at DESC, lesson_id DESC LIMIT $4""",
        exercise,
        *(before or (None, None)),
        limit,
    )
    return [LessonView(**row) for row in rows]
