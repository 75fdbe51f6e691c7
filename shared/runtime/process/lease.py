"""Work that only one replica may do at a time: a named lease that ends with its database
session."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import asyncpg

from shared.runtime.process.database import Connection

LOOK_EVERY: Final = 0.25
"""Seconds between two tries to get a lease that another replica holds."""


CONNECT_WITHIN: Final = 15.0
ANSWER_WITHIN: Final = 120.0
"""Seconds that a statement of the holder has: a connection that nobody has told of its end must not
hold it up for ever."""
NOTICED: Final = {
    "application_name": "incident-ledger lease",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""The database asks a silent session whether its machine is still there: a lease of one that is
gone is free after half a minute, and not after the two hours that systems take by themselves."""


class Fenced(OSError):
    """Another has taken over since, or the work was set back: this one must not write any more, and
    begins again where it stands now."""


@contextlib.asynccontextmanager
async def lease(dsn: str, name: str) -> AsyncIterator[Connection]:
    """Waits for the lease, then holds it on a connection of its own, which the body may use.

    Postgres releases it when that session ends. A holder that lost its session notices at its next
    statement, so whoever must not act after that fences every effect through this connection."""
    connection = await asyncpg.connect(
        dsn, timeout=CONNECT_WITHIN, command_timeout=ANSWER_WITHIN, server_settings=NOTICED
    )
    try:
        # Not the waiting pg_advisory_lock: it would hold a snapshot, and with it vacuum, for as
        # long as it waits.
        while not await connection.fetchval(
            "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", name
        ):
            await asyncio.sleep(LOOK_EVERY)
        yield connection
    finally:
        connection.terminate()
