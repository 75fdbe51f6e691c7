"""What an event writes into intake's views: reports, and how far their incidents have come.
`queries` reads them.

Reporters are written with their report, by the command that takes it, and forgotten with it; they
are not a view, and a rebuild leaves them alone. Neither are registered sources, which `ledger
source` writes, nor the keys of anonymous reports, which are forgotten."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from services.intake.bodies import ReporterBody
from services.intake.domain.tables import ANONYMOUS
from shared.contract.catalogue.intake import Reported
from shared.contract.catalogue.notify import Communicated
from shared.contract.catalogue.review import ContentErased, Reviewed
from shared.contract.catalogue.triage import Assessed, Contained, IncidentDismissed
from shared.contract.vocabulary import CONTAINING, Outcome
from shared.runtime.say.plan import Recorded, Write

TABLES: Final = ("report", "incident")

STAGES: Final = ("received", "assessed", "contained", "communicated", "reviewed", "closed")
"""The public words for how far an incident has come; the furthest counts, in whatever order the
services are heard."""


def project(recorded: Recorded) -> Iterable[Write]:
    data, incident_id = recorded.event.data, recorded.event.subject_id
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
        case ContentErased():
            yield _forgotten(data)


def _opened(recorded: Recorded, data: Reported) -> Write:
    return Write(
        "INSERT INTO incident (incident_id, exercise, opened_at, stage) VALUES ($1, $2, $3, 0)",
        (recorded.event.subject_id, data.exercise, recorded.event.time),
    )


def _reached(stage: str, incident_id: UUID) -> Write:
    return Write(
        "UPDATE incident SET stage = greatest(stage, $2) WHERE incident_id = $1",
        (incident_id, STAGES.index(stage)),
    )


def _forgotten(erased: ContentErased) -> Write:
    """Who sent a report of which no text is left is forgotten with it."""
    return Write(
        """DELETE FROM reporter USING report
           WHERE report_id = ANY($1) AND reference = (data ->> 'reporter')::uuid
           AND NOT EXISTS (SELECT FROM disclosure WHERE event_id = report_id)""",
        (sorted({text.event_id for text in erased.texts}),),
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
            event.subject_id,
            recorded.version,
            event.time,
            event.actor,
            event.actor == ANONYMOUS,
            data.exercise,
            data.channel.value,
            data.exposure.platform.value,
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
