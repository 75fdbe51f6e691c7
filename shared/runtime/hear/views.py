"""The views of what was heard. A view that fails on an event holds up neither its chain nor the
other views: it is parked, and behind until it is rebuilt."""

from collections.abc import Sequence

import structlog

from shared.runtime.hear.judge import Heard, Parked, ParkReason
from shared.runtime.hear.parking import park
from shared.runtime.process import telemetry
from shared.runtime.process.database import Connection
from shared.runtime.process.persistence import PASSING
from shared.runtime.say import projection
from shared.runtime.say.plan import Recorded

log = structlog.get_logger(__name__)


class ViewFailed(Exception):
    """The transaction is lost."""


async def show(
    connection: Connection, project: projection.Project, recorded: Sequence[Recorded]
) -> None:
    """Writes the views of these events. Raises ViewFailed, and what passes by itself: then the
    whole batch is heard again."""
    try:
        await projection.apply(connection, project, recorded)
    except PASSING:
        raise
    except Exception as error:
        raise ViewFailed from error


async def show_each(
    connection: Connection,
    project: projection.Project,
    accepted: Sequence[Heard],
    recorded: Sequence[Recorded],
) -> None:
    """The same where a view is known to fail: behind savepoints, so that only the views of the
    event that it fails on are undone."""
    try:
        async with connection.transaction():
            await show(connection, project, recorded)
    except ViewFailed:
        for heard, item in zip(accepted, recorded, strict=True):
            await _show_or_park(connection, project, heard, item)


async def _show_or_park(
    connection: Connection, project: projection.Project, heard: Heard, item: Recorded
) -> None:
    try:
        async with connection.transaction():
            await projection.apply(connection, project, [item])
    except PASSING:
        raise
    except Exception as error:
        log.exception("a view failed on an event and is behind", event_id=str(item.event.id))
        failed = Parked(heard.record, ParkReason.PROJECTION, repr(error), item.event)
        await park(connection, [failed])
        telemetry.parked(ParkReason.PROJECTION.value)
