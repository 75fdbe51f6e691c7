"""The views of what was heard. A view that fails on an event holds up neither its chain nor the
other views: it is parked, and behind until it is rebuilt."""

from collections.abc import Sequence
from functools import partial

from shared.runtime.hear.attempt import attempt
from shared.runtime.hear.judge import Heard, ParkReason
from shared.runtime.process.database import Connection
from shared.runtime.process.persistence import PASSING
from shared.runtime.say import projection
from shared.runtime.say.plan import Recorded


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
        # Apart from the views: what is erased is erased, whichever of them fails on it.
        await projection.forget(connection, recorded)
        for heard, item in zip(accepted, recorded, strict=True):
            work = partial(projection.apply, connection, project, [item])
            await attempt(connection, heard, ParkReason.PROJECTION, work)
