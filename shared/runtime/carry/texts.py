"""Texts on their way: the message that holds those of one event, and telling them again with fewer,
or none, after some were erased.

The topic of texts is compacted: the last message of a key is the one that stays, and a tombstone,
which is a key without a value, is no message at all in the end."""

import asyncio
import json
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaProducer

from shared.runtime.process.database import Connection

AT_ONCE: Final = 200
"""Events that are told again in one transaction."""


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
    acknowledged its message; what is erased meanwhile waits for the commit and is told after it."""
    while True:
        async with connection.transaction():
            rows = await connection.fetch(
                """WITH taken AS (
                       DELETE FROM retold WHERE event_id IN (
                           SELECT event_id FROM retold ORDER BY event_id LIMIT $1
                       ) RETURNING event_id, partition
                   )
                   SELECT event_id, partition, ARRAY(
                       SELECT content FROM disclosure WHERE disclosure.event_id = taken.event_id
                   ) AS texts FROM taken""",
                AT_ONCE,
            )
            if not rows:
                return
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
