"""What intake's readers see: reports, how far their incidents have come, and who told us. Its only
SQL.

Reporters are written with their report, by the command that takes it; they are not a view, and a
rebuild leaves them alone. Neither are registered sources, which `ledger source` writes, nor the
keys of anonymous reports, which are forgotten."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.intake.bodies import Chain, PublicStatus, ReporterBody, ReporterView, ReportView
from services.intake.domain.tables import ANONYMOUS
from services.intake.keys import ANONYMOUS_KEYS
from services.intake.sources import Opener, Registration
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.notify import Communicated
from shared.contract.catalogue.review import Reviewed
from shared.contract.catalogue.triage import Assessed, Contained, IncidentDismissed
from shared.contract.vocabulary import CONTAINING, Outcome, ServiceName
from shared.runtime.process.database import Connection
from shared.runtime.say.plan import Recorded, Write

TABLES: Final = ("report", "incident")

STAGES: Final = ("received", "assessed", "contained", "communicated", "reviewed", "closed")
"""The public words for how far an incident has come; the furthest counts, in whatever order the
services are heard."""


def project(recorded: Recorded) -> Iterable[Write]:
    data, incident_id = recorded.event.data, recorded.event.incident_id
    match data:
        case Reported():
            if data.opens:
                yield _opened(recorded, data)
            yield _report(recorded, data)
        case Assessed():
            yield _reached("assessed", incident_id)
        case Contained() if data.outcome is Outcome.SUCCESSFUL and data.kind in CONTAINING:
            yield _reached("contained", incident_id)
        case Communicated():
            yield _reached("communicated", incident_id)
        case Reviewed():
            yield _reached("reviewed", incident_id)
        case IncidentDismissed():
            yield _reached("closed", incident_id)


def _opened(recorded: Recorded, data: Reported) -> Write:
    return Write(
        "INSERT INTO incident (incident_id, exercise, opened_at, stage) VALUES ($1, $2, $3, 0)",
        (recorded.event.incident_id, data.exercise, recorded.event.time),
    )


def _reached(stage: str, incident_id: UUID) -> Write:
    return Write(
        "UPDATE incident SET stage = greatest(stage, $2) WHERE incident_id = $1",
        (incident_id, STAGES.index(stage)),
    )


def _report(recorded: Recorded, data: Reported) -> Write:
    event = recorded.event
    return Write(
        """INSERT INTO report
               (report_id, incident_id, version, said_at, actor, anonymous, exercise, channel,
                platform, partition, sequence, hash, data)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        (
            event.id,
            event.incident_id,
            recorded.version,
            event.time,
            event.actor,
            event.actor == ANONYMOUS,
            data.exercise,
            data.channel.value,
            data.exposure.platform,
            event.link.partition,
            event.link.sequence,
            event.hash,
            data.model_dump_json(),
        ),
    )


def keep_reporter(reference: UUID, reporter: ReporterBody, now: datetime) -> Write:
    """Goes with the report's events, in their transaction."""
    return Write(
        "INSERT INTO reporter (reference, name, contact, kept_at) VALUES ($1, $2, $3, $4)",
        (reference, reporter.name, reporter.contact, now),
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """Which reports a reader asks for; None asks for any."""

    incident_id: UUID | None = None
    exercise: bool | None = None
    anonymous: bool | None = None
    channel: ReportChannel | None = None
    platform: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def reports(
    connection: Connection, wanted: Filter, limit: int, before: tuple[datetime, UUID] | None = None
) -> list[ReportView]:
    """The newest first; `before` is the said_at and report_id of the last one of the page
    before."""
    rows = await connection.fetch(
        """SELECT * FROM report
           WHERE ($1::uuid IS NULL OR incident_id = $1)
           AND ($2::boolean IS NULL OR exercise = $2)
           AND ($3::boolean IS NULL OR anonymous = $3)
           AND ($4::text IS NULL OR channel = $4)
           AND ($5::text IS NULL OR lower(platform) = lower($5))
           AND ($6::timestamptz IS NULL OR said_at >= $6)
           AND ($7::timestamptz IS NULL OR said_at < $7)
           AND ($8::timestamptz IS NULL OR (said_at, report_id) < ($8, $9::uuid))
           ORDER BY said_at DESC, report_id DESC LIMIT $10""",
        wanted.incident_id,
        wanted.exercise,
        wanted.anonymous,
        None if wanted.channel is None else wanted.channel.value,
        wanted.platform,
        wanted.since,
        wanted.until,
        *(before or (None, None)),
        limit,
    )
    return [_view(row) for row in rows]


async def report(connection: Connection, report_id: UUID) -> ReportView | None:
    row = await connection.fetchrow("SELECT * FROM report WHERE report_id = $1", report_id)
    return None if row is None else _view(row)


async def public_status(connection: Connection, report_id: UUID) -> PublicStatus | None:
    row = await connection.fetchrow(
        """SELECT incident.stage, incident.exercise FROM report JOIN incident USING (incident_id)
           WHERE report_id = $1""",
        report_id,
    )
    if row is None:
        return None
    return PublicStatus(report_id=report_id, stage=STAGES[row["stage"]], exercise=row["exercise"])


async def opener(connection: Connection, incident_id: UUID) -> Opener | None:
    """None where nobody has reported the incident."""
    row = await connection.fetchrow(
        """SELECT actor, data #>> '{foreign,source}' AS source FROM report
           WHERE incident_id = $1 AND (data ->> 'opens')::boolean""",
        incident_id,
    )
    return None if row is None else Opener(row["actor"], row["source"])


async def registrations(connection: Connection) -> list[Registration]:
    """Those that count now."""
    rows = await connection.fetch(
        "SELECT subject, source, opens, adds, exercises FROM source WHERE ended_at IS NULL"
    )
    return [Registration(**row) for row in rows]


async def all_registrations(connection: Connection) -> list[dict[str, Any]]:
    """With the time of each's beginning, and of its end where it has ended."""
    rows = await connection.fetch(
        """SELECT subject, source, opens, adds, exercises, added_at, ended_at FROM source
           ORDER BY subject, source, source_id"""
    )
    return [dict(row) for row in rows]


async def register(connection: Connection, registration: Registration, now: datetime) -> None:
    """In place of what was registered for this subject and source before. Needs the owner."""
    async with connection.transaction():
        await end_registration(connection, registration.subject, registration.source, now)
        await connection.execute(
            """INSERT INTO source (subject, source, opens, adds, exercises, added_at)
               VALUES ($1, $2, $3, $4, $5, $6)""",
            registration.subject,
            registration.source,
            registration.opens,
            registration.adds,
            registration.exercises,
            now,
        )


async def end_registration(
    connection: Connection, subject: str, source: str, now: datetime
) -> bool:
    """False where nothing was registered. Needs the owner."""
    status = await connection.execute(
        "UPDATE source SET ended_at = $3 WHERE subject = $1 AND source = $2 AND ended_at IS NULL",
        subject,
        source,
        now,
    )
    return bool(status != "UPDATE 0")


async def forget_anonymous_keys(connection: Connection, before: datetime) -> None:
    await connection.execute(
        "DELETE FROM idempotency WHERE starts_with(key, $1) AND recorded_at < $2",
        ANONYMOUS_KEYS,
        before,
    )


@dataclass(frozen=True, slots=True)
class Incident:
    exercise: bool
    opened_at: datetime
    stage: str
    reports: int


async def incident(connection: Connection, incident_id: UUID) -> Incident | None:
    row = await connection.fetchrow(
        """SELECT exercise, opened_at, stage,
                  (SELECT count(*) FROM report WHERE incident_id = $1) AS reports
           FROM incident WHERE incident_id = $1""",
        incident_id,
    )
    if row is None:
        return None
    return Incident(row["exercise"], row["opened_at"], STAGES[row["stage"]], row["reports"])


async def reporter(connection: Connection, reference: UUID) -> ReporterView | None:
    row = await connection.fetchrow(
        "SELECT reference, name, contact, kept_at FROM reporter WHERE reference = $1", reference
    )
    return None if row is None else ReporterView(**row)


def _view(row: Any) -> ReportView:
    return ReportView(
        report_id=row["report_id"],
        incident_id=row["incident_id"],
        version=row["version"],
        said_at=row["said_at"],
        actor=row["actor"],
        anonymous=row["anonymous"],
        chain=Chain(
            service=ServiceName.INTAKE.value, partition=row["partition"], sequence=row["sequence"]
        ),
        hash=row["hash"].hex(),
        data=Reported.model_validate_json(row["data"]),
    )
