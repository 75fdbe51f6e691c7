"""A service's ledger and the topic restored from each other: the database is filled from the topic,
or the topic is filled by relaying again."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final

import asyncpg
from asyncpg.pool import Pool

from shared.contract.topics import disclosures_of
from shared.runtime.hear.judge import Record
from shared.runtime.hear.receiver import Receiver
from shared.runtime.hear.tables import Stretch, set_back
from shared.runtime.hear.texts import texts_of
from shared.runtime.repair.topic_messages import messages
from shared.runtime.say.texts import take_in

PAGE: Final = 1000


class StillRuns(RuntimeError):
    """The service is running on the database that is to be rebuilt."""


async def rebuild_ledger(
    pool: "Pool[asyncpg.Record]", receiver: Receiver, kafka: Mapping[str, Any], topic: str
) -> str:
    """Fills the database with the events on the topic that it lacks, heard and said alike, each
    checked as by any receiver. The receiver must be one that is `rebuilding`. If interrupted, run
    it again: it continues.

    Raises StillRuns."""
    own = "SELECT partition, sequence FROM chain WHERE service = $1"
    service = receiver.ledger.service.value
    sessions = await pool.fetchval(
        """SELECT count(*) FROM pg_stat_activity
           WHERE application_name = $1 AND datname = current_database()""",
        f"incident-ledger {service}",
    )
    if sessions > pool.get_size():
        raise StillRuns(f"{service} runs on its database: stop it first")
    before = await pool.fetchval("SELECT count(*) FROM ledger")
    heads = {row["partition"]: row["sequence"] for row in await pool.fetch(own, service)}
    await _hear_all(receiver, kafka, topic)
    # An erasure that is heard again has the relay tell the other texts of its events again: those
    # have to be here by then, or it would tell that there are none.
    await _take_in_all(pool, kafka, disclosures_of(topic))
    # A chain of the service that grew here is on the topic to its end. For the others the relay's
    # own cursor is right.
    grown = [
        (row["partition"], row["sequence"])
        for row in await pool.fetch(own, service)
        if row["sequence"] > heads[row["partition"]]
    ]
    await pool.executemany("UPDATE relay_cursor SET sequence = $2 WHERE partition = $1", grown)
    after = await pool.fetchval("SELECT count(*) FROM ledger")
    parked = await pool.fetchval("SELECT count(*) FROM parked WHERE resolved_at IS NULL")
    return (
        f"{service}: {after - before} events taken from the topic, {after} in its ledger now, "
        f"{parked} messages parked"
    )


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


async def _take_in_all(pool: "Pool[asyncpg.Record]", kafka: Mapping[str, Any], topic: str) -> None:
    several: list[Record] = []

    async def take() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await take_in(connection, texts_of(several))
        several.clear()

    async for record in messages(kafka, topic):
        several.append(record)
        if len(several) == PAGE:
            await take()
    await take()


async def relay_again(pool: "Pool[asyncpg.Record]") -> str:
    """For a topic that has lost messages it had acknowledged. Sets the relay back to the beginning
    of every chain, and the receiver and the sealer to the beginning of the topic: the messages that
    it holds now are at offsets that may have been passed before."""
    async with pool.acquire() as connection, connection.transaction():
        await set_back(connection)
        events = await connection.fetchval("SELECT count(*) FROM ledger WHERE kafka_offset IS NULL")
    return f"{events} events will be relayed again, and all of the topic heard"
