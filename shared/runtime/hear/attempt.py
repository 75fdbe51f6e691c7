"""Work on a heard event that must not hold up its chain: when it fails it is undone and parked, and
what stands beside it in the transaction stays."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from shared.runtime.hear.judge import Heard, Parked, ParkReason
from shared.runtime.hear.parking import park
from shared.runtime.process import telemetry
from shared.runtime.process.database import Connection
from shared.runtime.process.logging import said
from shared.runtime.process.persistence import PASSING
from shared.runtime.say.keyring import KeyMissing

T = TypeVar("T")

log = structlog.get_logger(__name__)


async def attempt(
    connection: Connection, heard: Heard, reason: ParkReason, work: Callable[[], Awaitable[T]]
) -> T | None:
    """What the work gives, done behind a savepoint; None when it failed and the message is parked
    for this reason. Raises KeyMissing, and what passes by itself: then the whole batch is heard
    again."""
    try:
        async with connection.transaction():
            return await work()
    except KeyMissing:
        raise
    except PASSING:
        raise
    except Exception as error:
        log.exception("parked", reason=reason.value, event_id=str(heard.event.id))
        await park(connection, [Parked(heard.record, reason, said(error), heard.event)])
        telemetry.parked(reason.value)
        return None
