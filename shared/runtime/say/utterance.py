"""What every event carries beside what was decided."""

from collections.abc import Iterable
from uuid import UUID

from shared.contract.catalogue.base import EventData
from shared.contract.decision import Context
from shared.contract.envelope import Event, Said
from shared.runtime.process import clock, telemetry


def say(
    incident_id: UUID, decided: Iterable[EventData], context: Context, cause: Event | None = None
) -> tuple[Said, ...]:
    """Gives decided data what every event carries: id, time, actor, cause and the trace in which it
    is said."""
    traceparent = telemetry.traceparent()
    correlation = cause.correlation_id if cause is not None else str(clock.new_id())
    return tuple(
        Said(
            id=clock.new_id(),
            incident_id=incident_id,
            time=context.now,
            actor=context.actor.subject,
            data=data,
            correlation_id=correlation,
            causation_id=cause.id if cause is not None else None,
            traceparent=traceparent,
        )
        for data in decided
    )
