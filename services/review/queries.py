"""What review's readers find in its views: reviews, action items and their owners, lessons."""

from datetime import date, datetime
from uuid import UUID

from services.review.bodies import (
    ActionItemFilter,
    ActionItemView,
    LessonView,
    ReviewFilter,
    ReviewView,
)
from shared.runtime.process.database import Connection
from shared.runtime.say.texts import found_by
from shared.runtime.web.erased import ErasedView


async def reviews(
    connection: Connection,
    wanted: ReviewFilter,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
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


async def action_items(
    connection: Connection,
    wanted: ActionItemFilter,
    limit: int,
    after: tuple[date, UUID, int] | None = None,
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
           AND ($6::date IS NULL OR (due, finding_id, number) > ($6, $7::uuid, $8::bigint))
           ORDER BY due, finding_id, number LIMIT $9""",
        wanted.owner,
        wanted.due_before,
        wanted.exercise,
        wanted.status.value if wanted.status else None,
        wanted.incident_id,
        *(after or (None, None, None)),
        limit,
    )
    told = await found_by(connection, [row["description"] for row in rows])
    return [
        ActionItemView(
            **{
                **dict(row),
                "description": told.of(row["description"]),
                "erased": ErasedView.of(told.erasure(row["description"])),
            }
        )
        for row in rows
    ]


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
    told = await found_by(connection, [row["text"] for row in rows])
    return [
        LessonView(
            **{
                **dict(row),
                "text": told.of(row["text"]),
                "erased": ErasedView.of(told.erasure(row["text"])),
            }
        )
        for row in rows
    ]
