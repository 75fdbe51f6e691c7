"""What an event writes into review's views: reviews, action items, lessons, erasures and
holds. `queries` and `erasures.queries` read them."""

import json
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from shared.contract.catalogue.intake import Reported
from shared.contract.catalogue.review import (
    ContentErased,
    ErasedText,
    ErasureRefused,
    ErasureRequested,
    FindingRecorded,
    HoldPlaced,
    HoldReleased,
    LessonRecorded,
    NextReviewSet,
    Reviewed,
    ReviewEvent,
    ReviewOpened,
)
from shared.contract.catalogue.triage import Assessed, IncidentDismissed
from shared.contract.disclosure import only_digest
from shared.contract.envelope import Event
from shared.runtime.say.plan import Recorded, Write

TABLES: Final = ("review", "action_item", "lesson", "erasure", "hold")


def project(recorded: Recorded) -> Iterable[Write]:
    if recorded.version == 1:
        yield _known(recorded)
    incident_id, at, data = recorded.event.subject_id, recorded.event.time, recorded.event.data
    match data:
        case Reported(opens=True) if recorded.version > 1:
            yield Write(
                "UPDATE review SET exercise = $2, reported_at = $3 WHERE incident_id = $1",
                (incident_id, data.exercise, at),
            )
        case Assessed():
            yield Write(
                "UPDATE review SET determination = $2, severity = $3 WHERE incident_id = $1",
                (incident_id, data.determination.value, data.severity.value),
            )
        case IncidentDismissed():
            yield Write(
                "UPDATE review SET dismissed = true, closed_at = $2 WHERE incident_id = $1",
                (incident_id, at),
            )
        case ReviewEvent():
            yield from _reviewed(recorded.event, data)
            yield from _forgot(recorded.event, data)


def _reviewed(event: Event, data: ReviewEvent) -> Iterable[Write]:
    incident_id, at = event.subject_id, event.time
    match data:
        case ReviewOpened():
            yield Write(
                "UPDATE review SET status = 'open', opened_at = $2 WHERE incident_id = $1",
                (incident_id, at),
            )
        case FindingRecorded():
            yield from _found(incident_id, data)
        case LessonRecorded():
            yield from _learned(event.id, incident_id, data)
        case NextReviewSet():
            yield Write(
                "UPDATE review SET next_review_on = $2 WHERE incident_id = $1",
                (incident_id, data.on),
            )
        case Reviewed():
            yield Write(
                """UPDATE review SET status = 'published', published_at = $2, closed_at = $2
                   WHERE incident_id = $1""",
                (incident_id, at),
            )


def _known(recorded: Recorded) -> Write:
    """The first that review knows of an incident: in most cases the report that opened it."""
    event = recorded.event
    opening = event.data if isinstance(event.data, Reported) and event.data.opens else None
    return Write(
        """INSERT INTO review (incident_id, known_since, exercise, reported_at)
           VALUES ($1, $2, $3, $4)""",
        (
            event.subject_id,
            event.time,
            opening.exercise if opening else None,
            event.time if opening else None,
        ),
    )


def _learned(lesson_id: UUID, incident_id: UUID, data: LessonRecorded) -> Iterable[Write]:
    yield Write("UPDATE review SET lessons = lessons + 1 WHERE incident_id = $1", (incident_id,))
    yield Write(
        "INSERT INTO lesson (lesson_id, incident_id, text) VALUES ($1, $2, $3)",
        (lesson_id, incident_id, only_digest(data)),
    )


def _found(incident_id: UUID, data: FindingRecorded) -> Iterable[Write]:
    yield Write(
        """UPDATE review SET findings = findings + 1, action_items = action_items + $2
           WHERE incident_id = $1""",
        (incident_id, len(data.action_items)),
    )
    for number, item in enumerate(data.action_items, start=1):
        yield Write(
            """INSERT INTO action_item (finding_id, number, incident_id, description, owner, due)
               VALUES ($1, $2, $3, $4, $5, $6)""",
            (data.finding_id, number, incident_id, only_digest(item), item.owner, item.due),
        )


def _forgot(event: Event, data: ReviewEvent) -> Iterable[Write]:
    match data:
        case ErasureRequested():
            yield _asked(event, data)
        case ErasureRefused():
            yield Write(
                """UPDATE erasure SET status = 'refused', decided_by = $2, decided_at = $3,
                          refusal = $4
                   WHERE erasure_id = $1""",
                (data.erasure_id, event.actor, event.time, only_digest(data)),
            )
        case ContentErased():
            yield _erased(event, data)
        case HoldPlaced():
            yield Write(
                """INSERT INTO hold (hold_id, incident_id, placed_as, placed_by, placed_at, reason)
                   VALUES ($1, $2, $3, $4, $5, $6)""",
                (
                    data.hold_id,
                    event.subject_id,
                    data.placed_as.value,
                    event.actor,
                    event.time,
                    only_digest(data),
                ),
            )
        case HoldReleased():
            yield Write(
                """UPDATE hold SET released_by = $2, released_at = $3, release_reason = $4
                   WHERE hold_id = $1""",
                (data.hold_id, event.actor, event.time, only_digest(data)),
            )


def _asked(event: Event, data: ErasureRequested) -> Write:
    return Write(
        """INSERT INTO erasure (erasure_id, incident_id, status, scope, ground, texts, asked_as,
                                requested_by, requested_at, reason)
           VALUES ($1, $2, 'requested', $3, $4, $5, $6, $7, $8, $9)""",
        (
            data.erasure_id,
            event.subject_id,
            data.scope.value,
            data.ground.value,
            _listed(data.texts),
            data.asked_as.value,
            event.actor,
            event.time,
            only_digest(data),
        ),
    )


def _erased(event: Event, data: ContentErased) -> Write:
    """What somebody asked for is decided; what retention has ended nobody has asked for."""
    return Write(
        """INSERT INTO erasure (erasure_id, incident_id, status, ground, texts, requested_by,
                                requested_at, decided_by, decided_at)
           VALUES ($1, $2, 'erased', $3, $4, $5, $6, $7, $6)
           ON CONFLICT (erasure_id) DO UPDATE
           SET status = 'erased', texts = excluded.texts, decided_by = excluded.decided_by,
               decided_at = excluded.decided_at""",
        (
            data.erasure_id,
            event.subject_id,
            data.ground.value,
            _listed(data.texts),
            data.requested_by,
            event.time,
            data.confirmed_by,
        ),
    )


def _listed(texts: Iterable[ErasedText]) -> str:
    return json.dumps([{"event_id": str(one.event_id), "name": one.name} for one in texts])
