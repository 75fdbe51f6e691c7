"""What an event writes into notify's views: incidents, duties and messages. `queries` reads
them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from services.notify.bodies import (
    ApprovalView,
    DutyStatus,
    Status,
)
from services.notify.domain import EDITIONS
from shared.contract.catalogue import (
    Assessed,
    Communicated,
    CommunicationApproved,
    CommunicationDrafted,
    CommunicationRejected,
    CommunicationRequested,
    CommunicationRequired,
    CommunicationWaived,
    Reported,
    SendFailed,
    SendOutcomeDecided,
    SendOutcomeUnknown,
    SendStarted,
)
from shared.contract.disclosure import only_digest
from shared.contract.envelope import Event
from shared.contract.vocabulary import Audience
from shared.runtime.say.plan import Recorded, Write

TABLES: Final = ("incident", "duty", "communication")

APPROVALS: Final = TypeAdapter(list[ApprovalView])
"""As they are kept in one column of a message."""


def project(recorded: Recorded) -> Iterable[Write]:
    event = recorded.event
    if recorded.version == 1:
        yield Write(
            "INSERT INTO incident (incident_id, known_since) VALUES ($1, $2)",
            (event.subject_id, event.time),
        )
    match event.data:
        case Reported(opens=True, exercise=exercise):
            yield Write(
                "UPDATE incident SET exercise = $2 WHERE incident_id = $1",
                (event.subject_id, exercise),
            )
        case Assessed(determination=determination, severity=severity):
            yield Write(
                "UPDATE incident SET determination = $2, severity = $3 WHERE incident_id = $1",
                (event.subject_id, determination.value, severity.value),
            )
        case CommunicationRequired(audience=audience, rule=rule):
            yield Write(
                """INSERT INTO duty (incident_id, audience, rule, status, required_at)
                   VALUES ($1, $2, $3, 'required', $4)
                   ON CONFLICT DO NOTHING""",
                (event.subject_id, audience.value, rule, event.time),
            )
        case CommunicationWaived(audience=audience) as data:
            yield _settled(event, audience, DutyStatus.WAIVED, only_digest(data))
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
        (event.subject_id, audience.value, status.value, event.time, event.actor, reason),
    )


def _drafted(event: Event, data: CommunicationDrafted) -> Write:
    return Write(
        """INSERT INTO communication
               (communication_id, incident_id, audience, channel, texts, facts,
                drafted_by, drafted_at, since, approvals_needed)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)""",
        (
            data.communication_id,
            event.subject_id,
            data.audience.value,
            data.channel,
            list(data.sd),
            list(data.facts),
            event.actor,
            event.time,
            len(EDITIONS.under(event.rules).approvals_needed(data.audience)),
        ),
    )


def _approved(event: Event, data: CommunicationApproved) -> Iterable[Write]:
    given = [ApprovalView(approval=data.approval, by=event.actor, at=event.time)]
    yield Write(
        "UPDATE communication SET approvals = approvals || $2::jsonb WHERE communication_id = $1",
        (data.communication_id, APPROVALS.dump_json(given).decode()),
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
            yield _to(Status.REJECTED, event, data.communication_id, note=only_digest(data))
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
                note=only_digest(data),
            )
        case SendOutcomeUnknown() as data:
            yield _to(Status.OUTCOME_UNKNOWN, event, data.communication_id)
        case SendOutcomeDecided() as data:
            # Delivered: `communicated` follows in the same breath.
            status = Status.OUTCOME_UNKNOWN if data.delivered else Status.APPROVED
            yield _to(status, event, data.communication_id, note=only_digest(data))


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
