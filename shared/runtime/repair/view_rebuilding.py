"""Writes a service's views again from its ledger."""

from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
from asyncpg.pool import Pool

from shared.contract.envelope import read
from shared.runtime.process.database import Connection
from shared.runtime.say import projection
from shared.runtime.say.plan import Recorded
from shared.runtime.say.rules import Rules
from shared.runtime.say.tables import lock_chains

PAGE: Final = 1000


async def rebuild_views(pool: "Pool[asyncpg.Record]", rules: Rules[Any, Any]) -> str:
    """Empties the view tables and projects the whole ledger into them, in one transaction that
    keeps every writer out."""
    async with pool.acquire() as connection, connection.transaction():
        await lock_chains(connection)
        await connection.execute(f"TRUNCATE {', '.join(rules.view_tables)}")
        events = 0
        async for recorded in pages(connection):
            await projection.apply(connection, rules.project, recorded)
            events += len(recorded)
        await connection.execute(
            """UPDATE parked SET resolved_at = clock_timestamp(), resolution = 'rebuilt'
               WHERE reason = 'projection' AND resolved_at IS NULL"""
        )
    return f"{', '.join(rules.view_tables)}: rebuilt from {events} events"


async def pages(connection: Connection) -> AsyncIterator[list[Recorded]]:
    """The whole ledger, in the order in which it was said and heard, a page at a time."""
    position = 0
    while rows := await connection.fetch(
        """SELECT position, version, envelope FROM ledger
           WHERE position > $1 ORDER BY position LIMIT $2""",
        position,
        PAGE,
    ):
        yield [Recorded(read(row["envelope"]), row["version"]) for row in rows]
        position = rows[-1]["position"]
