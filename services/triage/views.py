"""The views of triage: incidents, their facts, seats, actions and broken glass. The only SQL of the
service."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.triage.bodies import ActionView, BreakGlassView, FactView, IncidentRow
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import Reported
from shared.contract.catalogue.notify import Communicated
from shared.contract.catalogue.review import Reviewed
from shared.contract.catalogue.triage import (
    ActionAuthorised,
    ActionProposed,
    Assessed,
    BreakGlassConfirmed,
    BreakGlassUsed,
    Contained,
    FactRecorded,
    InactionDecided,
    IncidentDismissed,
    LegalViewGiven,
    SeatFilled,
)
from shared.contract.envelope import Event
from shared.contract.vocabulary import CONTAINING, Determination, Outcome, Seat, Severity
from shared.runtime.process.database import Connection, Row
from shared.runtime.say.plan import Recorded, Write

TABLES: Final = ("incident", "fact", "seat", "action", "break_glass")

STAGES: Final = ("reported", "assessed", "contained", "communicated", "reviewed", "dismissed")
"""How far an incident has come. The furthest stage counts, because the services are heard in any
order."""


def project(recorded: Recorded) -> Iterable[Write]:
    """The writes that an event makes in the views of triage."""
    event = recorded.event
    match event.data:
        case Reported() as data:
            yield _reported(event, data)
        case FactRecorded() as data:
            yield from _fact(recorded, data)
        case SeatFilled() as data:
            yield _seat(event, data)
        case Assessed() as data:
            yield _assessed(event, data)
        case ActionProposed() | LegalViewGiven() | ActionAuthorised() as data:
            yield _action(recorded, data)
        case Contained() as data:
            yield from _contained(event, data)
        case BreakGlassUsed() as data:
            yield _used(recorded, data)
            yield _owe(event.incident_id, 1)
        case BreakGlassConfirmed() as data:
            yield _confirmed(event, data)
            yield _owe(event.incident_id, -1)
        case InactionDecided(reason=reason):
            yield Write(
                "UPDATE incident SET inaction = $2 WHERE incident_id = $1",
                (event.incident_id, reason),
            )
        case IncidentDismissed() as data:
            yield Write(
                "UPDATE incident SET dismissal = $2 WHERE incident_id = $1",
                (event.incident_id, _json(data)),
            )
            yield _reached("dismissed", event.incident_id)
        case Communicated():
            yield _reached("communicated", event.incident_id)
        case Reviewed():
            yield _reached("reviewed", event.incident_id)


def _json(data: EventData) -> str:
    return data.model_dump_json()


def _reported(event: Event, data: Reported) -> Write:
    return Write(
        """INSERT INTO incident
               (incident_id, exercise, opened_at, stage, platform, reports, owed)
           VALUES ($1, $2, $3, 0, $4, 1, 0)
           ON CONFLICT (incident_id) DO UPDATE SET reports = incident.reports + 1""",
        (event.incident_id, data.exercise, event.time, data.exposure.platform),
    )


def _fact(recorded: Recorded, data: FactRecorded) -> Iterable[Write]:
    event = recorded.event
    yield Write(
        """INSERT INTO fact (fact_id, incident_id, version, recorded_at, recorded_by, data)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        (data.fact_id, event.incident_id, recorded.version, event.time, event.actor, _json(data)),
    )
    if data.corrects is not None:
        yield Write(
            "UPDATE fact SET corrected_by = $2 WHERE fact_id = $1", (data.corrects, data.fact_id)
        )


def _seat(event: Event, data: SeatFilled) -> Write:
    return Write(
        """INSERT INTO seat (incident_id, seat, holder) VALUES ($1, $2, $3)
           ON CONFLICT (incident_id, seat) DO UPDATE SET holder = excluded.holder""",
        (event.incident_id, data.seat.value, data.holder),
    )


def _assessed(event: Event, data: Assessed) -> Write:
    return Write(
        """UPDATE incident
           SET assessment = $2, determination = $3, severity = $4, stage = greatest(stage, $5),
               platform = CASE WHEN $6 = 'unknown' THEN platform ELSE $6 END
           WHERE incident_id = $1""",
        (
            event.incident_id,
            _json(data),
            data.determination.value,
            data.severity.value,
            STAGES.index("assessed"),
            data.exposure.platform,
        ),
    )


def _action(recorded: Recorded, data: ActionProposed | LegalViewGiven | ActionAuthorised) -> Write:
    event = recorded.event
    match data:
        case ActionProposed():
            return Write(
                """INSERT INTO action
                       (action_id, incident_id, version, proposed_at, proposed_by, proposal,
                        authorised_by)
                   VALUES ($1, $2, $3, $4, $5, $6, '{}')""",
                (
                    data.action_id,
                    event.incident_id,
                    recorded.version,
                    event.time,
                    event.actor,
                    _json(data),
                ),
            )
        case LegalViewGiven():
            return Write(
                "UPDATE action SET legal = $2, legal_by = $3 WHERE action_id = $1",
                (data.action_id, _json(data), event.actor),
            )
        case ActionAuthorised():
            return Write(
                "UPDATE action SET authorised_by = authorised_by || $2::text WHERE action_id = $1",
                (data.action_id, event.actor),
            )


def _used(recorded: Recorded, data: BreakGlassUsed) -> Write:
    event = recorded.event
    return Write(
        """INSERT INTO break_glass (break_glass_id, incident_id, version, used_at, used_by, use)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        (
            data.break_glass_id,
            event.incident_id,
            recorded.version,
            event.time,
            event.actor,
            _json(data),
        ),
    )


def _confirmed(event: Event, data: BreakGlassConfirmed) -> Write:
    return Write(
        "UPDATE break_glass SET word = $2, word_by = $3 WHERE break_glass_id = $1",
        (data.break_glass_id, _json(data), event.actor),
    )


def _contained(event: Event, data: Contained) -> Iterable[Write]:
    yield Write(
        "UPDATE action SET outcome = $2, outcome_by = $3 WHERE action_id = $1",
        (data.action_id, _json(data), event.actor),
    )
    if data.outcome is Outcome.SUCCESSFUL and data.kind in CONTAINING:
        yield _reached("contained", event.incident_id)


def _owe(incident_id: UUID, words: int) -> Write:
    return Write(
        "UPDATE incident SET owed = owed + $2 WHERE incident_id = $1", (incident_id, words)
    )


def _reached(stage: str, incident_id: UUID) -> Write:
    return Write(
        "UPDATE incident SET stage = greatest(stage, $2) WHERE incident_id = $1",
        (incident_id, STAGES.index(stage)),
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """Which incidents a reader asks for; None asks for any."""

    stage: str | None = None
    severity: Severity | None = None
    determination: Determination | None = None
    exercise: bool | None = None
    platform: str | None = None
    holder: str | None = None
    owing: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


async def incidents(
    connection: Connection, wanted: Filter, limit: int, before: tuple[datetime, UUID] | None = None
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
        wanted.holder,
        wanted.owing,
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
