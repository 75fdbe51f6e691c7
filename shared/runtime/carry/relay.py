"""The relay: sends the events that the service said to the topic, in chain order, and their texts
to the topic of texts, and moves its cursor over those of which the broker has acknowledged both."""

import asyncio
import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.contract import topics
from shared.contract.envelope import traceparent_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry import people
from shared.runtime.carry.cursor import Sent, progress
from shared.runtime.carry.texts import ACK_WITHIN, anything_to_retell, message_of, nudge, retell
from shared.runtime.carry.topic import connected
from shared.runtime.process import telemetry
from shared.runtime.process.database import Connection, Row
from shared.runtime.process.lease import Fenced, lease

BATCH: Final = 500
"""Most events of one partition in a round."""
BATCH_BYTES: Final = 900_000
"""Below the broker's default `message.max.bytes` of 1 048 588."""
GATHERED: Final = 0.005
"""Seconds to wait once all is sent, so that events appended meanwhile share the next round."""
LOOK_EVERY: Final = 0.1
"""Seconds between two looks for events that another replica appended; this process's own appends
wake the relay at once."""
NUDGE_LOOKS: Final = 10
"""How often the database is asked, between two times, whether the next has come."""

NEXT: Final = """
    SELECT next.* FROM unnest($3::smallint[], $4::bigint[]) AS reached (partition, sequence)
    CROSS JOIN LATERAL (
        SELECT partition, sequence, subject_id, event_id, envelope, signature, ARRAY(
            SELECT content FROM disclosure WHERE disclosure.event_id = ledger.event_id
        ) AS texts FROM ledger
        WHERE service = $1 AND ledger.partition = reached.partition
        AND ledger.sequence > reached.sequence
        ORDER BY sequence LIMIT $2
    ) AS next ORDER BY partition, sequence"""


@dataclass(frozen=True, slots=True)
class _Batch:
    """The events of one partition in a round."""

    partition: int
    sequences: Sequence[int]
    packed: BatchBuilder
    texts: BatchBuilder


@dataclass(slots=True)
class Relay:
    service: ServiceName
    dsn: str
    kafka: Mapping[str, Any]
    topic: str
    appended: asyncio.Event
    nudge_every: timedelta = topics.NUDGE_EVERY
    _looks_at: float = 0.0

    async def run(self) -> None:
        """Relays until cancelled or until anything fails. Run again, it starts at the cursor with a
        new producer."""
        async with lease(self.dsn, "relay") as connection:
            epoch = await connection.fetchval(
                "UPDATE relay_lease SET epoch = epoch + 1 RETURNING epoch"
            )
            async with connected(producer_to(self.kafka)) as producer:
                await self._relay(connection, producer, epoch)

    async def _relay(self, connection: Connection, producer: AIOKafkaProducer, epoch: int) -> None:
        while True:
            self.appended.clear()
            # Only here, where no round that was read before an erasure is still to be sent.
            await retell(connection, producer, topics.disclosures_of(self.topic))
            await people.tell(connection, producer, topics.disclosures_of(self.topic))
            await self._nudge(connection, producer)
            # Read again whenever all is sent: an operator may have set the cursors back.
            rows = await connection.fetch("SELECT partition, sequence FROM relay_cursor")
            reached = {row["partition"]: row["sequence"] for row in rows}
            batches = await self._next(connection, producer, reached)
            while batches:
                ends = reached | {batch.partition: batch.sequences[-1] for batch in batches}
                # The next round is read while this one travels.
                (sent, errors), following = await asyncio.gather(
                    self._send(producer, batches), self._next(connection, producer, ends)
                )
                before = {one.partition: reached[one.partition] for one in sent}
                after = progress(before, sent)
                await move(connection, epoch, before, after.cursors)
                if after.failed:
                    raise errors[0]
                reached, batches = ends, following
                if await anything_to_retell(connection):
                    break
            await self._wait()

    async def _nudge(self, connection: Connection, producer: AIOKafkaProducer) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._looks_at:
            topic = topics.disclosures_of(self.topic)
            await nudge(connection, producer, topic, self.nudge_every)
            self._looks_at = now + self.nudge_every.total_seconds() / NUDGE_LOOKS

    async def _wait(self) -> None:
        await asyncio.sleep(GATHERED)
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await self.appended.wait()
        except TimeoutError:
            pass

    async def _next(
        self, connection: Connection, producer: AIOKafkaProducer, reached: Mapping[int, int]
    ) -> list[_Batch]:
        rows = await connection.fetch(
            NEXT, self.service.value, BATCH, list(reached), list(reached.values())
        )
        return [
            _packed(producer.create_batch(), producer.create_batch(), partition, group)
            for partition, group in groupby(rows, key=lambda row: row["partition"])
        ]

    async def _send(
        self, producer: AIOKafkaProducer, batches: Sequence[_Batch]
    ) -> tuple[list[Sent], list[BaseException]]:
        """The outcome of each batch, and the errors of those that were not acknowledged."""
        async with asyncio.timeout(ACK_WITHIN):
            answers = await asyncio.gather(
                *(self._send_one(producer, one) for one in batches), return_exceptions=True
            )
        sent = [
            Sent(one.partition, one.sequences, not isinstance(answer, BaseException))
            for one, answer in zip(batches, answers, strict=True)
        ]
        return sent, [answer for answer in answers if isinstance(answer, BaseException)]

    async def _send_one(self, producer: AIOKafkaProducer, batch: _Batch) -> None:
        place, beside = batch.partition, topics.disclosures_of(self.topic)
        flying = [await producer.send_batch(batch.packed, self.topic, partition=place)]
        if batch.texts.record_count():
            flying.append(await producer.send_batch(batch.texts, beside, partition=place))
        await asyncio.gather(*flying)


async def move(
    connection: Connection, epoch: int, before: Mapping[int, int], cursors: Mapping[int, int]
) -> None:
    """Moves the cursors, in this epoch only. The lease's row is locked, so that its epoch is read
    after any wait for another's lock, not before. Raises Fenced."""
    status = await connection.execute(
        """UPDATE relay_cursor SET sequence = new.sequence
           FROM unnest($1::smallint[], $2::bigint[]) AS new (partition, sequence),
                (SELECT epoch FROM relay_lease FOR SHARE) AS term
           WHERE relay_cursor.partition = new.partition AND term.epoch = $3""",
        list(cursors),
        list(cursors.values()),
        epoch,
    )
    if status != f"UPDATE {len(cursors)}":
        raise Fenced("another relay has taken over, or all is to be relayed again")
    telemetry.relayed(sum(cursors[partition] - before[partition] for partition in cursors))


def _packed(
    packed: BatchBuilder, texts: BatchBuilder, partition: int, rows: Iterable[Row]
) -> _Batch:
    """As many rows, from the first, as fit with their texts in one request to the broker each."""
    sequences: list[int] = []
    for row in rows:
        # The texts first: alone, they would do no harm.
        if not (_add_texts(texts, row) and add(packed, row)):
            break
        sequences.append(row["sequence"])
    packed.close()
    texts.close()
    return _Batch(partition, sequences, packed, texts)


def _add_texts(batch: BatchBuilder, row: Row) -> bool:
    if (value := message_of(row["texts"])) is None:
        return True
    key = str(row["event_id"]).encode()
    return batch.append(key=key, value=value, timestamp=None) is not None


def producer_to(kafka: Mapping[str, Any]) -> AIOKafkaProducer:
    """The one way of writing to the topic: nothing counts until all replicas have it, in order and
    once a session."""
    return AIOKafkaProducer(
        **kafka,
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES,
        max_request_size=1_048_576,
    )


def add(batch: BatchBuilder, row: Row) -> bool:
    """Adds an event to the batch as it appears on the topic. Returns False when it does not
    fit."""
    key, headers = topics.key_of(row["subject_id"]), _headers(row)
    return batch.append(key=key, value=row["envelope"], timestamp=None, headers=headers) is not None


def _headers(row: Row) -> list[tuple[str, bytes]]:
    headers = [
        (topics.HEADER_CONTENT_TYPE, topics.CONTENT_TYPE.encode()),
        (topics.HEADER_SIGNATURE, base64.b64encode(row["signature"])),
    ]
    if (traceparent := traceparent_of(row["envelope"])) is not None:
        headers.append((topics.HEADER_TRACEPARENT, traceparent))
    return headers
