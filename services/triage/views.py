"""What an event writes into triage's views: incidents, their facts, seats, actions and uses of
break-glass. `queries` reads them."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from shared.contract.catalogue import (
    ActionAuthorised,
    ActionProposed,
    Assessed,
    BreakGlassConfirmed,
    BreakGlassUsed,
    Communicated,
    Contained,
    EventData,
    FactRecorded,
    InactionDecided,
    IncidentDismissed,
    LegalViewGiven,
    Reported,
    Reviewed,
    SeatFilled,
)
from shared.contract.disclosure import only_digest
from shared.contract.envelope import Event
from shared.contract.vocabulary import CONTAINING, Outcome
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
            yield _owe(event.subject_id, 1)
        case BreakGlassConfirmed() as data:
            yield _confirmed(event, data)
            yield _owe(event.subject_id, -1)
        case InactionDecided() as data:
            yield Write(
                "UPDATE incident SET inaction = $2 WHERE incident_id = $1",
                (event.subject_id, only_digest(data)),
            )
        case IncidentDismissed() as data:
            yield Write(
                "UPDATE incident SET dismissal = $2 WHERE incident_id = $1",
                (event.subject_id, _json(data)),
            )
            yield _reached("dismissed", event.subject_id)
        case Communicated():
            yield _reached("communicated", event.subject_id)
        case Reviewed():
            yield _reached("reviewed", event.subject_id)


def _json(data: EventData) -> str:
    return data.model_dump_json()


def _reported(event: Event, data: Reported) -> Write:
    return Write(
        """INSERT INTO incident
               (incident_id, exercise, opened_at, stage, platform, reports, owed)
           VALUES ($1, $2, $3, 0, $4, 1, 0)
           ON CONFLICT (incident_id) DO UPDATE SET reports = incident.reports + 1""",
        (event.subject_id, data.exercise, event.time, data.exposure.platform.value),
    )


def _fact(recorded: Recorded, data: FactRecorded) -> Iterable[Write]:
    event = recorded.event
    yield Write(
        """INSERT INTO fact (fact_id, incident_id, version, recorded_at, recorded_by, data)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        (data.fact_id, event.subject_id, recorded.version, event.time, event.actor, _json(data)),
    )
    if data.corrects is not None:
        yield Write(
            "UPDATE fact SET corrected_by = $2 WHERE fact_id = $1", (data.corrects, data.fact_id)
        )


def _seat(event: Event, data: SeatFilled) -> Write:
    return Write(
        """INSERT INTO seat (incident_id, seat, holder) VALUES ($1, $2, $3)
           ON CONFLICT (incident_id, seat) DO UPDATE SET holder = excluded.holder""",
        (event.subject_id, data.seat.value, data.holder),
    )


def _assessed(event: Event, data: Assessed) -> Write:
    return Write(
        """UPDATE incident
           SET assessment = $2, determination = $3, severity = $4, stage = greatest(stage, $5),
               platform = CASE WHEN $6 = 'unknown' THEN platform ELSE $6 END
           WHERE incident_id = $1""",
        (
            event.subject_id,
            _json(data),
            data.determination.value,
            data.severity.value,
            STAGES.index("assessed"),
            data.exposure.platform.value,
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
                    event.subject_id,
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
            event.subject_id,
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
        yield _reached("contained", event.subject_id)


def _owe(incident_id: UUID, words: int) -> Write:
    return Write(
        "UPDATE incident SET owed = owed + $2 WHERE incident_id = $1", (incident_id, words)
    )


def _reached(stage: str, incident_id: UUID) -> Write:
    return Write(
        "UPDATE incident SET stage = greatest(stage, $2) WHERE incident_id = $1",
        (incident_id, STAGES.index(stage)),
    )
