"""What triage's readers find in its views: incidents, their facts, seats, actions and uses of
break-glass."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from services.triage.bodies import ActionView, BreakGlassView, FactView, IncidentFilter, IncidentRow
from services.triage.views import STAGES
from shared.contract.catalogue.base import Part
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
from shared.contract.disclosure import stored
from shared.contract.vocabulary import Platform, Seat
from shared.runtime.process.database import Connection, Row
from shared.runtime.say.texts import found_by, revealed

P = TypeVar("P", bound=Part)


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
           AND ($5::text IS NULL OR platform = $5)
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
        None if wanted.platform is None else Platform.named(wanted.platform).value,
        wanted.seat_holder,
        wanted.owes_a_word,
        wanted.since,
        wanted.until,
        *(before or (None, None)),
        limit,
    )
    return await _incidents(connection, rows)


async def incident(connection: Connection, incident_id: UUID) -> IncidentRow | None:
    rows = await connection.fetch("SELECT * FROM incident WHERE incident_id = $1", incident_id)
    return next(iter(await _incidents(connection, rows)), None)


async def facts(connection: Connection, incident_id: UUID, up_to: int) -> list[FactView]:
    rows = await connection.fetch(
        "SELECT * FROM fact WHERE incident_id = $1 AND version <= $2 ORDER BY version",
        incident_id,
        up_to,
    )
    told = await revealed(connection, [stored(FactRecorded, row["data"]) for row in rows])
    return [
        FactView(
            **dict(fact),
            recorded_at=row["recorded_at"],
            recorded_by=row["recorded_by"],
            corrected_by=row["corrected_by"],
        )
        for row, fact in zip(rows, told, strict=True)
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
    proposals = await revealed(connection, [stored(ActionProposed, r["proposal"]) for r in rows])
    legal = await _told(connection, LegalViewGiven, [row["legal"] for row in rows])
    outcomes = await _told(connection, Contained, [row["outcome"] for row in rows])
    return [
        ActionView(
            **dict(proposal),
            proposed_at=row["proposed_at"],
            proposed_by=row["proposed_by"],
            legal=view,
            legal_by=row["legal_by"],
            authorised_by=row["authorised_by"],
            outcome=outcome,
            outcome_by=row["outcome_by"],
        )
        for row, proposal, view, outcome in zip(rows, proposals, legal, outcomes, strict=True)
    ]


async def broken_glass(
    connection: Connection, incident_id: UUID, up_to: int
) -> list[BreakGlassView]:
    rows = await connection.fetch(
        "SELECT * FROM break_glass WHERE incident_id = $1 AND version <= $2 ORDER BY version",
        incident_id,
        up_to,
    )
    uses = await revealed(connection, [stored(BreakGlassUsed, row["use"]) for row in rows])
    words = await _told(connection, BreakGlassConfirmed, [row["word"] for row in rows])
    return [
        BreakGlassView(
            **dict(use),
            used_at=row["used_at"],
            used_by=row["used_by"],
            owed=word is None,
            word=word,
            word_by=row["word_by"],
        )
        for row, use, word in zip(rows, uses, words, strict=True)
    ]


async def _incidents(connection: Connection, rows: Sequence[Row]) -> list[IncidentRow]:
    assessments = await _told(connection, Assessed, [row["assessment"] for row in rows])
    dismissals = await _told(connection, IncidentDismissed, [row["dismissal"] for row in rows])
    inaction = await found_by(connection, [row["inaction"] for row in rows])
    return [
        _incident(row, assessment, dismissal, inaction.of(row["inaction"]))
        for row, assessment, dismissal in zip(rows, assessments, dismissals, strict=True)
    ]


def _incident(
    row: Row, assessment: Assessed | None, dismissal: IncidentDismissed | None, inaction: str | None
) -> IncidentRow:
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
        assessment=assessment,
        inaction=inaction,
        dismissal=dismissal,
    )


async def _told(
    connection: Connection, kind: type[P], kept: Sequence[str | None]
) -> list[P | None]:
    """Data that stand in a column or are not there yet, with their texts."""
    there = [stored(kind, one) for one in kept if one is not None]
    told = iter(await revealed(connection, there))
    return [None if one is None else next(told) for one in kept]
