"""What triage's readers find in its views: incidents, their facts, seats, actions and uses of
break-glass."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.triage.bodies import ActionView, BreakGlassView, FactView, IncidentFilter, IncidentRow
from services.triage.views import STAGES
from shared.contract.catalogue.triage import (
    ActionProposed,
    Assessed,
    BreakGlassConfirmed,
    BreakGlassUsed,
    Contained,
    FactRecorded,
    IncidentDismissed,
    LegalViewGiven,
)
from shared.contract.vocabulary import Seat
from shared.runtime.process.database import Connection, Row


async def incidents(
    connection: Connection,
    wanted: IncidentFilter,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> list[IncidentRow]:
    """The newest first; `before` is the opened_at and incident_id of the last one of the page
    before."""
    rows = await connection.fetch(
        """SELECT * FROM incident
           WHERE ($1::smallint IS NULL OR stage = $1)
           AND ($2::text IS NULL OR severity = $2)
           AND ($3::text IS NULL OR determination = $3)
           AND ($4::boolean IS NULL OR exercise = $4)
           AND ($5::text IS NULL OR lower(platform) = lower($5))
           AND ($6::text IS NULL OR incident_id IN (SELECT incident_id FROM seat WHERE holder = $6))
           AND ($7::boolean IS NULL OR (owed > 0) = $7)
           AND ($8::timestamptz IS NULL OR opened_at >= $8)
           AND ($9::timestamptz IS NULL OR opened_at < $9)
           AND ($10::timestamptz IS NULL OR (opened_at, incident_id) < ($10, $11::uuid))
           ORDER BY opened_at DESC, incident_id DESC LIMIT $12""",
        None if wanted.stage is None else STAGES.index(wanted.stage),
        wanted.severity,
        wanted.determination,
        wanted.exercise,
        wanted.platform,
        wanted.seat_holder,
        wanted.owes_a_word,
        wanted.since,
        wanted.until,
        *(before or (None, None)),
        limit,
    )
    return [_incident(row) for row in rows]


async def incident(connection: Connection, incident_id: UUID) -> IncidentRow | None:
    row = await connection.fetchrow("SELECT * FROM incident WHERE incident_id = $1", incident_id)
    return None if row is None else _incident(row)


async def facts(connection: Connection, incident_id: UUID, up_to: int) -> list[FactView]:
    rows = await connection.fetch(
        "SELECT * FROM fact WHERE incident_id = $1 AND version <= $2 ORDER BY version",
        incident_id,
        up_to,
    )
    return [
        FactView(
            **FactRecorded.model_validate_json(row["data"]).model_dump(),
            recorded_at=row["recorded_at"],
            recorded_by=row["recorded_by"],
            corrected_by=row["corrected_by"],
        )
        for row in rows
    ]


async def seats(connection: Connection, incident_id: UUID) -> dict[Seat, str]:
    rows = await connection.fetch(
        "SELECT seat, holder FROM seat WHERE incident_id = $1", incident_id
    )
    return {Seat(row["seat"]): row["holder"] for row in rows}


async def actions(connection: Connection, incident_id: UUID, up_to: int) -> list[ActionView]:
    rows = await connection.fetch(
        "SELECT * FROM action WHERE incident_id = $1 AND version <= $2 ORDER BY version",
        incident_id,
        up_to,
    )
    return [
        ActionView(
            **ActionProposed.model_validate_json(row["proposal"]).model_dump(),
            proposed_at=row["proposed_at"],
            proposed_by=row["proposed_by"],
            legal=_read(LegalViewGiven, row["legal"]),
            legal_by=row["legal_by"],
            authorised_by=row["authorised_by"],
            outcome=_read(Contained, row["outcome"]),
            outcome_by=row["outcome_by"],
        )
        for row in rows
    ]


async def broken_glass(
    connection: Connection, incident_id: UUID, up_to: int
) -> list[BreakGlassView]:
    rows = await connection.fetch(
        "SELECT * FROM break_glass WHERE incident_id = $1 AND version <= $2 ORDER BY version",
        incident_id,
        up_to,
    )
    return [
        BreakGlassView(
            **BreakGlassUsed.model_validate_json(row["use"]).model_dump(),
            used_at=row["used_at"],
            used_by=row["used_by"],
            owed=row["word"] is None,
            word=_read(BreakGlassConfirmed, row["word"]),
            word_by=row["word_by"],
        )
        for row in rows
    ]


def _incident(row: Row) -> IncidentRow:
    return IncidentRow(
        incident_id=row["incident_id"],
        exercise=row["exercise"],
        stage=STAGES[row["stage"]],
        opened_at=row["opened_at"],
        platform=row["platform"],
        determination=row["determination"],
        severity=row["severity"],
        reports=row["reports"],
        break_glass_owed=row["owed"],
        assessment=_read(Assessed, row["assessment"]),
        inaction=row["inaction"],
        dismissal=_read(IncidentDismissed, row["dismissal"]),
    )


def _read(kind: Any, stored: str | None) -> Any:
    return None if stored is None else kind.model_validate_json(stored)
