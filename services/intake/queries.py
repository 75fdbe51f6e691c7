"""What intake's readers find in its tables: reports, how far their incidents have come, reporters,
registered sources and the keys of anonymous reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.bodies import Chain, PublicStatus, ReporterView, ReportFilter, ReportView
from services.intake.keys import ANONYMOUS_KEYS
from services.intake.sources import Opener, Registration
from services.intake.views import STAGES
from shared.contract.catalogue.intake import ForeignEvent, Reported
from shared.contract.disclosure import stored
from shared.contract.vocabulary import Platform, ServiceName
from shared.runtime.process.database import Connection, Row
from shared.runtime.say.people import People, keeping
from shared.runtime.say.projection import execute
from shared.runtime.say.texts import revealed


async def reports(
    connection: Connection,
    wanted: ReportFilter,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> list[ReportView]:
    """The newest first; `before` is the said_at and report_id of the last one of the page
    before."""
    rows = await connection.fetch(
        """SELECT * FROM report
           WHERE ($1::uuid IS NULL OR incident_id = $1)
           AND ($2::boolean IS NULL OR exercise = $2)
           AND ($3::boolean IS NULL OR anonymous = $3)
           AND ($4::text IS NULL OR channel = $4)
           AND ($5::text IS NULL OR platform = $5)
           AND ($6::timestamptz IS NULL OR said_at >= $6)
           AND ($7::timestamptz IS NULL OR said_at < $7)
           AND ($8::timestamptz IS NULL OR (said_at, report_id) < ($8, $9::uuid))
           ORDER BY said_at DESC, report_id DESC LIMIT $10""",
        wanted.incident_id,
        wanted.exercise,
        wanted.anonymous,
        None if wanted.channel is None else wanted.channel.value,
        None if wanted.platform is None else Platform.named(wanted.platform).value,
        wanted.since,
        wanted.until,
        *(before or (None, None)),
        limit,
    )
    return await _views(connection, rows)


async def report(connection: Connection, report_id: UUID) -> ReportView | None:
    rows = await connection.fetch("SELECT * FROM report WHERE report_id = $1", report_id)
    return next(iter(await _views(connection, rows)), None)


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
        """SELECT actor, data FROM report
           WHERE incident_id = $1 AND (data ->> 'opens')::boolean""",
        incident_id,
    )
    if row is None:
        return None
    (data,) = await revealed(connection, [stored(Reported, row["data"])])
    foreign = data.foreign
    source = foreign.source if isinstance(foreign, ForeignEvent) else None
    return Opener(row["actor"], source)


async def registrations(connection: Connection) -> list[Registration]:
    """Those that count now."""
    rows = await connection.fetch(
        "SELECT subject, source, opens, adds, exercises FROM source WHERE ended_at IS NULL"
    )
    return [Registration(**row) for row in rows]


async def all_registrations(connection: Connection) -> list[dict[str, Any]]:
    """With the time of each's beginning, and of its end where it has ended; under their subjects,
    as far as the directory knows them."""
    rows = await connection.fetch(
        """SELECT coalesce(person.subject, source.subject) AS subject,
                  source, opens, adds, exercises, added_at, ended_at
           FROM source LEFT JOIN person ON person.pseudonym = source.subject
           ORDER BY 1, source, source_id"""
    )
    return [dict(row) for row in rows]


async def register(
    connection: Connection, people: People, registration: Registration, now: datetime
) -> None:
    """In place of what was registered for this subject and source before. Needs the owner."""
    async with connection.transaction():
        await end_registration(connection, people, registration.subject, registration.source, now)
        await execute(connection, keeping(people.named(registration.subject)))
        await connection.execute(
            """INSERT INTO source (subject, source, opens, adds, exercises, added_at)
               VALUES ($1, $2, $3, $4, $5, $6)""",
            people.pseudonym_of(registration.subject),
            registration.source,
            registration.opens,
            registration.adds,
            registration.exercises,
            now,
        )


async def end_registration(
    connection: Connection, people: People, subject: str, source: str, now: datetime
) -> bool:
    """False where nothing was registered. Needs the owner."""
    status = await connection.execute(
        "UPDATE source SET ended_at = $3 WHERE subject = $1 AND source = $2 AND ended_at IS NULL",
        people.pseudonym_of(subject),
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
class StagedIncident:
    exercise: bool
    opened_at: datetime
    stage: str
    reports: int


async def incident(connection: Connection, incident_id: UUID) -> StagedIncident | None:
    row = await connection.fetchrow(
        """SELECT exercise, opened_at, stage,
                  (SELECT count(*) FROM report WHERE incident_id = $1) AS reports
           FROM incident WHERE incident_id = $1""",
        incident_id,
    )
    if row is None:
        return None
    return StagedIncident(row["exercise"], row["opened_at"], STAGES[row["stage"]], row["reports"])


async def reporter(connection: Connection, reference: UUID) -> ReporterView | None:
    row = await connection.fetchrow(
        "SELECT reference, name, contact, kept_at FROM reporter WHERE reference = $1", reference
    )
    return None if row is None else ReporterView(**row)


async def reporters_named(
    connection: Connection, words: Sequence[str], references: Sequence[UUID] = ()
) -> list[ReporterView]:
    """Those with these references, and those whose name or contact holds one of the words, in
    whatever case."""
    rows = await connection.fetch(
        """SELECT reference, name, contact, kept_at FROM reporter
           WHERE reference = ANY($2) OR EXISTS (
               SELECT FROM unnest($1::text[]) AS word
               WHERE strpos(lower(concat_ws(' ', name, contact)), lower(word)) > 0
           ) ORDER BY kept_at, reference""",
        list(words),
        list(references),
    )
    return [ReporterView(**row) for row in rows]


async def _views(connection: Connection, rows: Sequence[Row]) -> list[ReportView]:
    data = await revealed(connection, [stored(Reported, row["data"]) for row in rows])
    return [_view(row, said) for row, said in zip(rows, data, strict=True)]


def _view(row: Row, data: Reported) -> ReportView:
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
        data=data,
    )
