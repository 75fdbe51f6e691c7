"""What every event carries beside what was decided."""

import secrets
from collections.abc import Iterable
from uuid import UUID

from shared.contract.catalogue.base import EventData
from shared.contract.decision import Context
from shared.contract.disclosure import SALT_BYTES, conceal
from shared.contract.envelope import Event, Said
from shared.runtime.process import clock, telemetry


def say(
    subject_id: UUID,
    decided: Iterable[EventData],
    context: Context,
    edition: int,
    cause: Event | None = None,
) -> tuple[Said, ...]:
    """Gives decided data what every event carries: id, time, actor, the edition of the rules, cause
    and the trace in which it is said; and takes the texts out of it."""
    traceparent = telemetry.traceparent()
    correlation = cause.correlation_id if cause is not None else str(clock.new_id())
    said = []
    for data in decided:
        bare, disclosures = conceal(data, _salt)
        said.append(
            Said(
                id=clock.new_id(),
                subject_id=subject_id,
                time=context.now,
                actor=context.actor.subject,
                data=bare,
                correlation_id=correlation,
                causation_id=cause.id if cause is not None else None,
                traceparent=traceparent,
                rules=edition,
                disclosures=disclosures,
            )
        )
    return tuple(said)


def _salt() -> bytes:
    return secrets.token_bytes(SALT_BYTES)
