"""What review's readers find of erasures and holds, and what the worker of retention looks at."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from services.review.erasures.bodies import ErasureFilter, ErasureView, HoldView
from shared.runtime.process.database import Connection
from shared.runtime.say.texts import found_by

Place = tuple[datetime, UUID]


async def erasures(
    connection: Connection, wanted: ErasureFilter, limit: int, before: Place | None = None
) -> list[ErasureView]:
    """The newest first; `before` is the requested_at and erasure_id of the last one of the page
    before."""
    rows = await connection.fetch(
        """SELECT * FROM erasure
           WHERE ($1::text IS NULL OR status = $1)
           AND ($2::text IS NULL OR ground = $2)
           AND ($3::uuid IS NULL OR incident_id = $3)
           AND ($4::timestamptz IS NULL OR (requested_at, erasure_id) < ($4, $5::uuid))
           ORDER BY requested_at DESC, erasure_id DESC LIMIT $6""",
        wanted.status.value if wanted.status else None,
        wanted.ground.value if wanted.ground else None,
        wanted.incident_id,
        *(before or (None, None)),
        limit,
    )
    texts = ("reason", "refusal")
    return [
        ErasureView(**{**row, "texts": json.loads(row["texts"])})
        for row in await _told(connection, rows, texts)
    ]


async def holds(
    connection: Connection, incident_id: UUID, limit: int, before: Place | None = None
) -> list[HoldView]:
    """The newest first; `before` is the placed_at and hold_id of the last one of the page
    before."""
    rows = await connection.fetch(
        """SELECT * FROM hold
           WHERE incident_id = $1
           AND ($2::timestamptz IS NULL OR (placed_at, hold_id) < ($2, $3::uuid))
           ORDER BY placed_at DESC, hold_id DESC LIMIT $4""",
        incident_id,
        *(before or (None, None)),
        limit,
    )
    return [HoldView(**row) for row in await _told(connection, rows, ("reason", "release_reason"))]


async def to_look_at(connection: Connection, now: datetime, limit: int) -> list[UUID]:
    """Closed incidents whose texts may be due, those first that have waited longest."""
    rows = await connection.fetch(
        """SELECT incident_id FROM review LEFT JOIN retention_look USING (incident_id)
           WHERE closed_at IS NOT NULL AND (next_at IS NULL OR next_at <= $1)
           ORDER BY closed_at, incident_id LIMIT $2""",
        now,
        limit,
    )
    return [row["incident_id"] for row in rows]


async def look_again(connection: Connection, incident_id: UUID, at: datetime) -> None:
    await connection.execute(
        """INSERT INTO retention_look (incident_id, next_at) VALUES ($1, $2)
           ON CONFLICT (incident_id) DO UPDATE SET next_at = excluded.next_at""",
        incident_id,
        at,
    )


async def _told(
    connection: Connection, rows: Iterable[Any], names: Iterable[str]
) -> list[dict[str, Any]]:
    """The rows with texts in place of their digests, as far as they are at hand."""
    known = [dict(row) for row in rows]
    told = await found_by(connection, [row[name] for row in known for name in names])
    return [{**row, **{name: told.of(row[name]) for name in names}} for row in known]
