"""What notify's readers see: incidents, duties, messages; and which messages its sender takes up.
Its only SQL."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter

from services.notify.bodies import (
    ApprovalView,
    CommunicationRow,
    DutyStatus,
    DutyView,
    IncidentRow,
    Status,
)
from services.notify.domain import approvals_needed
from shared.contract.catalogue.intake import Reported
from shared.contract.catalogue.notify import (
    Communicated,
    CommunicationApproved,
    CommunicationDrafted,
    CommunicationRejected,
    CommunicationRequested,
    CommunicationRequired,
    CommunicationWaived,
    SendFailed,
    SendOutcomeDecided,
    SendOutcomeUnknown,
    SendStarted,
)
from shared.contract.catalogue.triage import Assessed
from shared.contract.envelope import Event
from shared.contract.vocabulary import Audience, Determination, Severity
from shared.runtime.process.database import Connection, Row
from shared.runtime.say.plan import Recorded, Write

TABLES: Final = ("incident", "duty", "communication")

_APPROVALS: Final = TypeAdapter(list[ApprovalView])


def project(recorded: Recorded) -> Iterable[Write]:
    event = recorded.event
    if recorded.version == 1:
        yield Write(
            "INSERT INTO incident (incident_id, known_since) VALUES ($1, $2)",
            (event.incident_id, event.time),
        )
    match event.data:
        case Reported(opens=True, exercise=exercise):
            yield Write(
                "UPDATE incident SET exercise = $2 WHERE incident_id = $1",
                (event.incident_id, exercise),
            )
        case Assessed(determination=determination, severity=severity):
            yield Write(
                "UPDATE incident SET determination = $2, severity = $3 WHERE incident_id = $1",
                (event.incident_id, determination.value, severity.value),
            )
        case CommunicationRequired(audience=audience, rule=rule):
            yield Write(
                """INSERT INTO duty (incident_id, audience, rule, status, required_at)
                   VALUES ($1, $2, $3, 'required', $4)
                   ON CONFLICT DO NOTHING""",
                (event.incident_id, audience.value, rule, event.time),
            )
        case CommunicationWaived(audience=audience, reason=reason):
            yield _settled(event, audience, DutyStatus.WAIVED, reason)
        case CommunicationDrafted() as data:
            yield _drafted(event, data)
        case CommunicationApproved() as data:
            yield from _approved(event, data)
        case Communicated() as data:
            yield _told(event, data)
            yield _settled(event, data.audience, DutyStatus.TOLD)
        case _:
            yield from _moved(event)


def _settled(
    event: Event, audience: Audience, status: DutyStatus, reason: str | None = None
) -> Write:
    return Write(
        """UPDATE duty SET status = $3, settled_at = $4, settled_by = $5, reason = $6
           WHERE incident_id = $1 AND audience = $2 AND status <> 'told'""",
        (event.incident_id, audience.value, status.value, event.time, event.actor, reason),
    )


def _drafted(event: Event, data: CommunicationDrafted) -> Write:
    return Write(
        """INSERT INTO communication (communication_id, incident_id, audience, channel, title, text, facts,
                                      drafted_by, drafted_at, since, approvals_needed)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)""",
        (
            data.communication_id,
            event.incident_id,
            data.audience.value,
            data.channel,
            data.title,
            data.text,
            list(data.facts),
            event.actor,
            event.time,
            len(approvals_needed(data.audience)),
        ),
    )


def _approved(event: Event, data: CommunicationApproved) -> Iterable[Write]:
    given = [ApprovalView(approval=data.approval, by=event.actor, at=event.time)]
    yield Write(
        "UPDATE communication SET approvals = approvals || $2::jsonb WHERE communication_id = $1",
        (data.communication_id, _APPROVALS.dump_json(given).decode()),
    )
    yield Write(
        """UPDATE communication SET status = 'approved', since = $2
           WHERE communication_id = $1 AND jsonb_array_length(approvals) >= approvals_needed""",
        (data.communication_id, event.time),
    )


def _told(event: Event, data: Communicated) -> Write:
    return Write(
        """UPDATE communication SET status = $2, since = $3, due_at = NULL
           WHERE communication_id = $1""",
        (data.communication_id, Status.COMMUNICATED.value, event.time),
    )


def _moved(event: Event) -> Iterable[Write]:
    match event.data:
        case CommunicationRejected() as data:
            yield _to(Status.REJECTED, event, data.communication_id, note=data.reason)
        case CommunicationRequested() as data:
            yield _to(Status.REQUESTED, event, data.communication_id, due_at=event.time)
        case SendStarted() as data:
            yield _to(Status.STARTED, event, data.communication_id, attempt=data.attempt)
        case SendFailed() as data:
            yield _to(
                Status.FAILED,
                event,
                data.communication_id,
                attempt=data.attempt,
                due_at=data.retry_at,
                note=data.error,
            )
        case SendOutcomeUnknown() as data:
            yield _to(Status.OUTCOME_UNKNOWN, event, data.communication_id)
        case SendOutcomeDecided() as data:
            # Delivered: `communicated` follows in the same breath.
            status = Status.OUTCOME_UNKNOWN if data.delivered else Status.APPROVED
            yield _to(status, event, data.communication_id, note=data.reason)


def _to(
    status: Status,
    event: Event,
    communication_id: UUID,
    *,
    attempt: int | None = None,
    due_at: datetime | None = None,
    note: str | None = None,
) -> Write:
    return Write(
        """UPDATE communication SET status = $2, since = $3, attempt = coalesce($4, attempt),
                                    due_at = $5, note = $6
           WHERE communication_id = $1""",
        (communication_id, status.value, event.time, attempt, due_at, note),
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """Which incidents a reader asks for; None asks for any."""

    exercise: bool | None = None
    determination: Determination | None = None
    severity: Severity | None = None
    owing: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


async def incidents(
    connection: Connection, wanted: Filter, limit: int, before: tuple[datetime, UUID] | None = None
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
        wanted.owing,
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
    return [DutyView(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages a reader asks for; None asks for any."""

    incident_id: UUID | None = None
    status: Status | None = None
    audience: Audience | None = None
    channel: str | None = None
    drafted_by: str | None = None
    exercise: bool | None = None


async def communications(
    connection: Connection, wanted: Wanted, limit: int, before: tuple[datetime, UUID] | None = None
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
    return [_communication(row) for row in rows]


def _communication(row: Row) -> CommunicationRow:
    columns: dict[str, Any] = dict(row)  # type: ignore[call-overload]
    return CommunicationRow(**{**columns, "approvals": _APPROVALS.validate_json(row["approvals"])})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that the sender takes up."""

    communication_id: UUID
    incident_id: UUID
    channel: str
    title: str
    text: str
    exercise: bool


async def due(connection: Connection, now: datetime, limit: int) -> list[Outgoing]:
    """What is longest due comes first. A message that may be an exercise waits until that is
    known."""
    rows = await connection.fetch(
        """SELECT communication_id, incident_id, channel, title, text, exercise
           FROM communication JOIN incident USING (incident_id)
           WHERE due_at <= $1 AND exercise IS NOT NULL ORDER BY due_at LIMIT $2""",
        now,
        limit,
    )
    return [Outgoing(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sending that was begun and of which no result is known."""

    communication_id: UUID
    incident_id: UUID
    number: int


async def begun(connection: Connection) -> list[Attempt]:
    rows = await connection.fetch(
        """SELECT communication_id, incident_id, attempt AS number FROM communication
           WHERE status = 'started'"""
    )
    return [Attempt(**row) for row in rows]
