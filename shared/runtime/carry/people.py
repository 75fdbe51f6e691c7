"""Persons on their way: who stands behind a pseudonym travels on the topic of texts, under a key of
the person's own, and a person who was erased leaves a tombstone there."""

import asyncio
import json
from typing import Final

from aiokafka import AIOKafkaProducer

from shared.contract.topics import PARTITIONS, murmur2
from shared.runtime.carry.texts import ACK_WITHIN
from shared.runtime.process.database import Connection, Row

KEY: Final = b"person:"
"""How the keys of persons begin; those of texts are ids of events."""
AT_ONCE: Final = 200


def key_of(pseudonym: str) -> bytes:
    return KEY + pseudonym.encode()


def partition_of(pseudonym: str) -> int:
    """Where every service tells of this person: the last word replaces the others."""
    return (murmur2(key_of(pseudonym)) & 0x7FFFFFFF) % PARTITIONS


def message_of(person: Row) -> bytes | None:
    """The value: subject and name as JSON; None, a tombstone, for one who is not there."""
    if person["subject"] is None:
        return None
    told = {"subject": person["subject"], "name": person["name"]}
    return json.dumps(told, separators=(",", ":")).encode()


async def tell(connection: Connection, producer: AIOKafkaProducer, topic: str) -> None:
    """Tells of every person who waits for it. A row is gone once the broker has acknowledged its
    message; who is erased meanwhile waits for the commit and is told of after it."""
    while True:
        async with connection.transaction():
            rows = await connection.fetch(
                """WITH taken AS (
                       DELETE FROM untold_person WHERE pseudonym IN (
                           SELECT pseudonym FROM untold_person ORDER BY pseudonym LIMIT $1
                       ) RETURNING pseudonym
                   )
                   SELECT pseudonym, subject, name FROM taken LEFT JOIN person USING (pseudonym)""",
                AT_ONCE,
            )
            if not rows:
                return
            # Whoever is named again meanwhile waits for this transaction: not for ever.
            async with asyncio.timeout(ACK_WITHIN):
                flying = [
                    await producer.send(
                        topic,
                        key=key_of(row["pseudonym"]),
                        value=message_of(row),
                        partition=partition_of(row["pseudonym"]),
                    )
                    for row in rows
                ]
                await asyncio.gather(*flying)
