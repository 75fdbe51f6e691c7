"""What an operator may do to a service's database from its own ledger: write the views again, relay
all again, try parked messages again."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import asyncpg
from asyncpg.pool import Pool

from shared.contract.envelope import read
from shared.runtime.hear.judge import Record
from shared.runtime.hear.receiver import Receiver
from shared.runtime.hear.tables import Stretch, set_back
from shared.runtime.process.database import Connection
from shared.runtime.repair.auditing import messages
from shared.runtime.say import projection
from shared.runtime.say.plan import Recorded
from shared.runtime.say.rules import Rules
from shared.runtime.say.tables import lock_chains

PAGE: Final = 1000


async def rebuild_views(pool: "Pool[asyncpg.Record]", rules: Rules[Any, Any]) -> str:
    """Empties the view tables and projects the whole ledger into them, in one transaction; nobody
    writes meanwhile."""
    async with pool.acquire() as connection, connection.transaction():
        await lock_chains(connection)
        await connection.execute(f"TRUNCATE {', '.join(rules.view_tables)}")
        events = 0
        async for recorded in pages(connection):
            await projection.apply(connection, rules.project, recorded)
            events += len(recorded)
        await connection.execute(
            "UPDATE parked SET resolved_at = clock_timestamp(), resolution = 'rebuilt' WHERE reason = 'projection' AND resolved_at IS NULL"
        )
    return f"{', '.join(rules.view_tables)}: rebuilt from {events} events"


async def pages(connection: Connection) -> AsyncIterator[list[Recorded]]:
    """The whole ledger, as it was said and heard, a page at a time."""
    position = 0
    while rows := await connection.fetch(
        "SELECT position, version, envelope FROM ledger WHERE position > $1 ORDER BY position LIMIT $2",
        position,
        PAGE,
    ):
        yield [Recorded(read(row["envelope"]), row["version"]) for row in rows]
        position = rows[-1]["position"]


class StillRuns(RuntimeError):
    """The service is at work on the database that is to be rebuilt."""


async def rebuild_ledger(
    pool: "Pool[asyncpg.Record]", receiver: Receiver, kafka: Mapping[str, Any], topic: str
) -> str:
    """Takes in from the topic what the database lacks of what the service heard and said, each
    checked as by any receiver.

    The receiver must be one that is `rebuilding`. Raises StillRuns. Cut off, it goes on when it is
    run again."""
    own = "SELECT partition, sequence FROM chain WHERE service = $1"
    service = receiver.ledger.service.value
    sessions = await pool.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()",
        f"incident-ledger {service}",
    )
    if sessions > pool.get_size():
        raise StillRuns(f"{service} runs on its database: stop it first")
    before = await pool.fetchval("SELECT count(*) FROM ledger")
    heads = {row["partition"]: row["sequence"] for row in await pool.fetch(own, service)}
    await _hear_all(receiver, kafka, topic)
    # Where the service's own chain grew, all of it is on the topic. Elsewhere the relay knows best
    # how far it has come.
    grown = [
        (row["partition"], row["sequence"])
        for row in await pool.fetch(own, service)
        if row["sequence"] > heads[row["partition"]]
    ]
    await pool.executemany("UPDATE relay_cursor SET sequence = $2 WHERE partition = $1", grown)
    after = await pool.fetchval("SELECT count(*) FROM ledger")
    parked = await pool.fetchval("SELECT count(*) FROM parked WHERE resolved_at IS NULL")
    return f"{service}: {after - before} events taken from the topic, {after} in its ledger now, {parked} messages parked"


async def _hear_all(receiver: Receiver, kafka: Mapping[str, Any], topic: str) -> None:
    await receiver.pool.execute("UPDATE heard_offset SET next_offset = 0")
    batches: defaultdict[int, list[Record]] = defaultdict(list)
    reached: Counter[int] = Counter()

    async def hear(partition: int) -> None:
        batch = batches.pop(partition)
        await receiver.hear(
            partition, batch, Stretch(reached[partition], end := batch[-1].offset + 1)
        )
        reached[partition] = end

    async for record in messages(kafka, topic):
        batches[record.partition].append(record)
        if len(batches[record.partition]) == PAGE:
            await hear(record.partition)
    for partition in tuple(batches):
        await hear(partition)


async def relay_again(pool: "Pool[asyncpg.Record]") -> str:
    """Sets the relay back to the beginning of every chain, for a topic that has lost what it had
    acknowledged, and whoever hears or seals to the beginning of the topic: what it has now stands
    at offsets that may have been passed."""
    async with pool.acquire() as connection, connection.transaction():
        await set_back(connection)
        events = await connection.fetchval("SELECT count(*) FROM ledger WHERE kafka_offset IS NULL")
    return f"{events} events will be relayed again, and all of the topic heard"
