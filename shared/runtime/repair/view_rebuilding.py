"""Writes a service's views again from its ledger."""

from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
from asyncpg.pool import Pool

from shared.contract.envelope import read
from shared.runtime.process.database import Connection
from shared.runtime.say import projection
from shared.runtime.say.plan import Recorded
from shared.runtime.say.rules import Rules, of_each_kind
from shared.runtime.say.tables import lock_chains

PAGE: Final = 1000


async def rebuild_views(pool: "Pool[asyncpg.Record]", *kinds: Rules[Any, Any]) -> str:
    """Empties the view tables of these kinds of subject and projects the whole ledger into them, in
    one transaction that keeps every writer out."""
    tables = ", ".join(table for rules in kinds for table in rules.view_tables)
    async with pool.acquire() as connection, connection.transaction():
        await lock_chains(connection)
        await connection.execute(f"TRUNCATE {tables}")
        events = 0
        async for recorded in pages(connection):
            await projection.apply(connection, of_each_kind(kinds), recorded)
            events += len(recorded)
        await connection.execute(
            """UPDATE parked SET resolved_at = clock_timestamp(), resolution = 'rebuilt'
               WHERE reason = 'projection' AND resolved_at IS NULL"""
        )
    return f"{tables}: rebuilt from {events} events"


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
