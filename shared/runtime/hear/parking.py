"""The table `parked`: messages that could not be heard, as long as they cannot."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Final

import asyncpg
from asyncpg.pool import Pool

from shared.chain.link import Head
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, Parked, Received, Record
from shared.runtime.hear.messages import headers_of, record_from
from shared.runtime.process.database import Connection

PAGE: Final = 2000
"""Most messages that are read of the table in one go."""


async def park(connection: Connection, parked: Sequence[Parked]) -> None:
    if not parked:
        return
    # What was resolved and is parked once more is open again: nothing else of it may be left.
    # What two persons have settled stays so, however often the topic is read again.
    await connection.executemany(
        """INSERT INTO parked (reason, detail, partition, kafka_offset, service, sequence,
                               message_key, value, headers)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           ON CONFLICT (partition, kafka_offset, reason, hash, md5(headers::text)) DO UPDATE
           SET detail = excluded.detail, resolved_at = NULL, resolution = NULL
           WHERE parked.resolved_at IS NOT NULL AND parked.resolution NOT LIKE 'settled by %'""",
        [
            (
                item.reason.value,
                item.detail.replace("\x00", "�"),
                item.record.partition,
                item.record.offset,
                item.event.service.value if item.event else None,
                item.event.link.sequence if item.event else None,
                item.record.key,
                item.record.value,
                headers_of(item.record),
            )
            for item in parked
        ],
    )


async def resolve(connection: Connection, partition: int, received: Received) -> None:
    """By offset and hash: after the broker lost messages another may stand where one was parked."""
    settled: list[tuple[Heard | Parked, str]] = [
        *((heard, "heard") for heard in (*received.accepted, *received.duplicates)),
        *((item, f"parked as {item.reason}") for item in received.parked if item.event is not None),
    ]
    await connection.execute(
        """UPDATE parked SET resolved_at = clock_timestamp(), resolution = settled.resolution
           FROM unnest($2::bigint[], $3::bytea[], $4::text[])
               AS settled (kafka_offset, hash, resolution)
           WHERE partition = $1 AND resolved_at IS NULL AND reason NOT IN ('projection', 'reaction')
           AND parked.kafka_offset = settled.kafka_offset AND parked.hash = settled.hash
           AND settled.resolution <> 'parked as ' || reason""",
        partition,
        [item.record.offset for item, _ in settled],
        [item.event.hash for item, _ in settled if item.event is not None],
        [resolution for _, resolution in settled],
    )
    # A message that waited, or was spoilt on its way, may have come again: then its number is
    # behind the head by now.
    await connection.execute(
        """UPDATE parked SET resolved_at = clock_timestamp(), resolution = 'heard by another copy'
           FROM chain JOIN ledger USING (service, partition)
           WHERE chain.partition = $1 AND parked.partition = $1 AND parked.service = chain.service
           AND parked.sequence <= chain.sequence
           AND resolved_at IS NULL AND reason IN ('gap', 'untrusted')
           AND ledger.sequence = parked.sequence AND ledger.hash = parked.hash""",
        partition,
    )


async def waited(
    connection: Connection,
    partition: int,
    examined: Sequence[Heard | Parked],
    chains: Mapping[ServiceName, Head],
    limit: int,
) -> list[Record]:
    """What came too early before, of those chains in which its time may have come: the number
    before one is the head, or in the batch. The first of each chain."""
    services, sequences = _numbers(examined)
    rows = await connection.fetch(
        """SELECT waiting.* FROM (
               SELECT DISTINCT parked.service, chain.sequence AS head
               FROM unnest($2::text[], $3::bigint[]) AS heard (service, sequence)
               JOIN parked
                   ON parked.service = heard.service AND parked.sequence = heard.sequence + 1
               JOIN unnest($4::text[], $5::bigint[]) AS chain (service, sequence)
                   ON chain.service = parked.service
               WHERE parked.partition = $1 AND reason = 'gap' AND resolved_at IS NULL
           ) AS due CROSS JOIN LATERAL (
               SELECT partition, kafka_offset, message_key, value, headers FROM parked
               WHERE parked.partition = $1 AND parked.service = due.service
               AND parked.sequence > due.head
               AND reason = 'gap' AND resolved_at IS NULL ORDER BY sequence LIMIT $6
           ) AS waiting""",
        partition,
        [*services, *(service.value for service in chains)],
        [*sequences, *(head.sequence for head in chains.values())],
        [service.value for service in chains],
        [head.sequence for head in chains.values()],
        limit,
    )
    return [record_from(row) for row in rows]


async def untrusted(pool: "Pool[asyncpg.Record]", partition: int) -> AsyncIterator[list[Record]]:
    """What is parked for want of a key, as it came, a page at a time."""
    last = 0
    while rows := await pool.fetch(
        """SELECT * FROM parked WHERE partition = $1 AND reason = 'untrusted'
           AND resolved_at IS NULL AND parked_id > $2 ORDER BY parked_id LIMIT $3""",
        partition,
        last,
        PAGE,
    ):
        last = rows[-1]["parked_id"]
        yield [record_from(row) for row in rows]


async def settle_reaction(connection: Connection, parked_id: int, said: int) -> None:
    """Notes that a parked reaction has happened after all, and said so many events."""
    await connection.execute(
        "UPDATE parked SET resolved_at = clock_timestamp(), resolution = $2 WHERE parked_id = $1",
        parked_id,
        f"reacted with {said} events",
    )


def _numbers(items: Iterable[Heard | Parked]) -> tuple[list[str], list[int]]:
    """Speakers and numbers of what was heard, as two columns."""
    events = [item.event for item in items if isinstance(item, Heard)]
    return [event.service.value for event in events], [event.link.sequence for event in events]
