"""What notify's readers find in its views: incidents, duties, messages; and what its sender takes
up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.bodies import (
    CommunicationRow,
    DutyView,
    IncidentFilter,
    IncidentRow,
    MessageFilter,
)
from services.notify.views import APPROVALS
from shared.runtime.process.database import Connection, Row
from shared.runtime.say.texts import Told, found_by


async def incidents(
    connection: Connection,
    wanted: IncidentFilter,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> list[IncidentRow]:
    """The newest first; `before` is the known_since and incident_id of the last one of the page
    before."""
    rows = await connection.fetch(
        """SELECT incident.*, owed
           FROM incident CROSS JOIN LATERAL (
               SELECT count(*) AS owed FROM duty
               WHERE duty.incident_id = incident.incident_id AND status = 'required'
           ) AS duties
           WHERE ($1::boolean IS NULL OR exercise = $1)
           AND ($2::text IS NULL OR determination = $2)
           AND ($3::text IS NULL OR severity = $3)
           AND ($4::boolean IS NULL OR (owed > 0) = $4)
           AND ($5::timestamptz IS NULL OR known_since >= $5)
           AND ($6::timestamptz IS NULL OR known_since < $6)
           AND ($7::timestamptz IS NULL OR (known_since, incident_id) < ($7, $8::uuid))
           ORDER BY known_since DESC, incident_id DESC LIMIT $9""",
        wanted.exercise,
        wanted.determination,
        wanted.severity,
        wanted.owes_telling,
        wanted.since,
        wanted.until,
        *(before or (None, None)),
        limit,
    )
    return [IncidentRow(**row) for row in rows]


async def incident(connection: Connection, incident_id: UUID) -> IncidentRow | None:
    row = await connection.fetchrow(
        """SELECT incident.*,
                  (SELECT count(*) FROM duty WHERE incident_id = $1 AND status = 'required') AS owed
           FROM incident WHERE incident_id = $1""",
        incident_id,
    )
    return None if row is None else IncidentRow(**row)


async def duties(connection: Connection, incident_id: UUID) -> list[DutyView]:
    rows = await connection.fetch(
        "SELECT * FROM duty WHERE incident_id = $1 ORDER BY required_at, audience", incident_id
    )
    told = await found_by(connection, [row["reason"] for row in rows])
    return [DutyView(**{**dict(row), "reason": told.of(row["reason"])}) for row in rows]


async def communications(
    connection: Connection,
    wanted: MessageFilter,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> list[CommunicationRow]:
    """The newest first; `before` is the drafted_at and communication_id of the last one of the page
    before."""
    rows = await connection.fetch(
        """SELECT communication.*, exercise FROM communication JOIN incident USING (incident_id)
           WHERE ($1::uuid IS NULL OR incident_id = $1)
           AND ($2::text IS NULL OR status = $2)
           AND ($3::text IS NULL OR audience = $3)
           AND ($4::text IS NULL OR channel = $4)
           AND ($5::text IS NULL OR drafted_by = $5)
           AND ($6::boolean IS NULL OR exercise = $6)
           AND ($7::timestamptz IS NULL OR (drafted_at, communication_id) < ($7, $8::uuid))
           ORDER BY drafted_at DESC, communication_id DESC LIMIT $9""",
        wanted.incident_id,
        wanted.status,
        wanted.audience,
        wanted.channel,
        wanted.drafted_by,
        wanted.exercise,
        *(before or (None, None)),
        limit,
    )
    told = await found_by(connection, _digests(rows))
    return [_communication(row, told) for row in rows]


def _digests(rows: Sequence[Row]) -> list[str | None]:
    return [digest for row in rows for digest in (*row["texts"], row["note"])]


def _communication(row: Row, told: Told) -> CommunicationRow:
    columns: dict[str, Any] = dict(row)  # type: ignore[call-overload]
    texts = told.named(columns.pop("texts"))
    return CommunicationRow(
        **{
            **columns,
            "title": texts.get("title"),
            "text": texts.get("text"),
            "note": told.of(row["note"]),
            "approvals": APPROVALS.validate_json(row["approvals"]),
        }
    )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that the sender takes up."""

    communication_id: UUID
    incident_id: UUID
    channel: str
    title: str
    text: str
    texts: tuple[str, ...]
    """Digests of those that are at hand; of one that was erased there is none."""
    exercise: bool


async def due(connection: Connection, now: datetime, limit: int) -> list[Outgoing]:
    """What is longest due comes first. A message that may be an exercise waits until that is
    known."""
    rows = await connection.fetch(
        """SELECT communication_id, incident_id, channel, texts, exercise
           FROM communication JOIN incident USING (incident_id)
           WHERE due_at <= $1 AND exercise IS NOT NULL ORDER BY due_at LIMIT $2""",
        now,
        limit,
    )
    told = await found_by(connection, [digest for row in rows for digest in row["texts"]])
    return [_outgoing(row, told) for row in rows]


def _outgoing(row: Row, told: Told) -> Outgoing:
    texts = told.named(row["texts"])
    return Outgoing(
        row["communication_id"],
        row["incident_id"],
        row["channel"],
        texts.get("title", ""),
        texts.get("text", ""),
        tuple(sorted(told.at_hand(row["texts"]))),
        row["exercise"],
    )


@dataclass(frozen=True, slots=True)
class BegunSending:
    """A sending that was begun and of which no result is known."""

    communication_id: UUID
    incident_id: UUID
    number: int


async def begun(connection: Connection) -> list[BegunSending]:
    rows = await connection.fetch(
        """SELECT communication_id, incident_id, attempt AS number FROM communication
           WHERE status = 'started'"""
    )
    return [BegunSending(**row) for row in rows]
