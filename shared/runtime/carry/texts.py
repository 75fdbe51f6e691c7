"""Texts on their way: the message that holds those of one event, and telling them again with fewer,
or none, after some were erased.

The topic of texts is compacted: the last message of a key is the one that stays, and a tombstone,
which is a key without a value, is no message at all in the end."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from aiokafka import AIOKafkaProducer

from shared.contract.topics import PARTITIONS
from shared.runtime.process.database import Connection

AT_ONCE: Final = 200
"""Events that are told again together."""
ACK_WITHIN: Final = 30.0
"""Seconds in which the broker must acknowledge them."""
NOTHING: Final = b"nothing"
"""The key of a message that tells nothing."""


def message_of(texts: Sequence[str]) -> bytes | None:
    """The value: a JSON array of disclosures; None, a tombstone, when there are none."""
    return json.dumps(list(texts), separators=(",", ":")).encode() if texts else None


async def anything_to_retell(connection: Connection) -> bool:
    """Whether texts or persons wait to be told."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM retold) OR EXISTS (SELECT FROM untold_person)"
        )
    )


async def retell(connection: Connection, producer: AIOKafkaProducer, topic: str) -> None:
    """Tells the texts of every event again that waits for it. A row is gone once the broker has
    acknowledged its message, unless it was wanted once more meanwhile. No lock is held while the
    broker is waited for. Raises TimeoutError when it does not answer."""
    while rows := await connection.fetch(
        """SELECT event_id, partition, mark, ARRAY(
               SELECT content FROM disclosure WHERE disclosure.event_id = retold.event_id
           ) AS texts FROM retold ORDER BY event_id LIMIT $1""",
        AT_ONCE,
    ):
        async with asyncio.timeout(ACK_WITHIN):
            flying = [
                await producer.send(
                    topic,
                    key=str(row["event_id"]).encode(),
                    value=message_of(row["texts"]),
                    partition=row["partition"],
                )
                for row in rows
            ]
            await asyncio.gather(*flying)
        await connection.execute(
            "DELETE FROM retold USING unnest($1::uuid[], $2::bigint[]) AS told (event_id, mark) "
            "WHERE (retold.event_id, retold.mark) = (told.event_id, told.mark)",
            [row["event_id"] for row in rows],
            [row["mark"] for row in rows],
        )


async def nudge(
    connection: Connection, producer: AIOKafkaProducer, topic: str, every: timedelta
) -> None:
    """Writes a tombstone of nothing to each partition, if `every` has passed since the last time.

    Kafka cleans only segments that are closed, and closes one only when a message comes after its
    time: what was told last on a partition would otherwise stand there, and beside it what it
    replaces, until somebody writes the next text."""
    due = await connection.fetchval(
        "SELECT nudged_at <= clock_timestamp() - $1::interval FROM relay_lease", every
    )
    if not due:
        return
    async with asyncio.timeout(ACK_WITHIN):
        flying = [
            await producer.send(topic, key=NOTHING, partition=number)
            for number in range(PARTITIONS)
        ]
        await asyncio.gather(*flying)
    await connection.execute("UPDATE relay_lease SET nudged_at = clock_timestamp()")
