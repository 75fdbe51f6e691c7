"""The relay: takes what the service said to the topic, in chain order, and moves its cursor over what the broker acknowledged."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.contract import topics
from shared.contract.envelope import traceparent_of
from shared.contract.vocabulary import ServiceName
from shared.runtime import telemetry
from shared.runtime.lease import Fenced, lease
from shared.runtime.relaying import Sent, progress
from shared.runtime.views import Connection, Row

BATCH: Final = 200
"""Most events of one partition in a round."""
BATCH_BYTES: Final = 900_000
"""Below the broker's default `message.max.bytes` of 1 048 588."""
ACK_WITHIN: Final = 30.0
"""Seconds that the broker has to acknowledge a round; aiokafka alone would wait for ever."""
LOOK_EVERY: Final = 0.1
"""Seconds between two looks for what another replica appended; this process's own appends wake the relay at once."""

NEXT: Final = """
    SELECT next.* FROM relay_cursor AS cursor CROSS JOIN LATERAL (
        SELECT partition, sequence, incident_id, envelope, signature FROM ledger
        WHERE service = $1 AND ledger.partition = cursor.partition AND ledger.sequence > cursor.sequence
        ORDER BY sequence LIMIT $2
    ) AS next ORDER BY partition, sequence"""


@dataclass(slots=True)
class Relay:
    service: ServiceName
    dsn: str
    kafka: Mapping[str, Any]
    topic: str
    appended: asyncio.Event

    async def run(self) -> None:
        """Relays until cancelled or until anything fails; whoever runs it again gets a new producer and starts at the cursor."""
        async with lease(self.dsn, "relay") as connection:
            epoch = await connection.fetchval("UPDATE relay_lease SET epoch = epoch + 1 RETURNING epoch")
            producer = producer_to(self.kafka)
            await producer.start()
            try:
                while True:
                    self.appended.clear()
                    if not await self._round(connection, producer, epoch):
                        await self._wait()
            finally:
                await producer.stop()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await self.appended.wait()
        except TimeoutError:
            pass

    async def _round(self, connection: Connection, producer: AIOKafkaProducer, epoch: int) -> bool:
        rows = await connection.fetch(NEXT, self.service.value, BATCH)
        if not rows:
            return False
        batches = [(partition, list(group)) for partition, group in groupby(rows, key=lambda row: row["partition"])]
        cursors = {partition: group[0]["sequence"] - 1 for partition, group in batches}
        sent, error = await self._send(producer, batches)
        moved = progress(cursors, sent)
        await self._move(connection, epoch, moved.cursors)
        telemetry.relayed(sum(moved.cursors[partition] - cursors[partition] for partition in cursors))
        if error is not None:
            raise error
        return True

    async def _send(
        self, producer: AIOKafkaProducer, batches: Sequence[tuple[int, Sequence[Row]]]
    ) -> tuple[list[Sent], BaseException | None]:
        async with asyncio.timeout(ACK_WITHIN):
            flying = [await self._send_batch(producer, partition, rows) for partition, rows in batches]
            answers = await asyncio.gather(*(future for _, _, future in flying), return_exceptions=True)
        sent = [
            Sent(partition, sequences, not isinstance(answer, BaseException))
            for (partition, sequences, _), answer in zip(flying, answers, strict=True)
        ]
        return sent, next((answer for answer in answers if isinstance(answer, BaseException)), None)

    async def _send_batch(
        self, producer: AIOKafkaProducer, partition: int, rows: Sequence[Row]
    ) -> tuple[int, list[int], "asyncio.Future[Any]"]:
        batch = producer.create_batch()
        sequences: list[int] = []
        for row in rows:
            if not add(batch, row):
                break
            sequences.append(row["sequence"])
        batch.close()
        return partition, sequences, await producer.send_batch(batch, self.topic, partition=partition)

    async def _move(self, connection: Connection, epoch: int, cursors: Mapping[int, int]) -> None:
        status = await connection.execute(
            """UPDATE relay_cursor SET sequence = new.sequence FROM unnest($1::smallint[], $2::bigint[]) AS new (partition, sequence)
               WHERE relay_cursor.partition = new.partition AND (SELECT epoch FROM relay_lease) = $3""",
            list(cursors),
            list(cursors.values()),
            epoch,
        )
        if status != f"UPDATE {len(cursors)}":
            raise Fenced("another relay has taken over")


def producer_to(kafka: Mapping[str, Any]) -> AIOKafkaProducer:
    """Whoever writes to the topic writes like this: nothing counts that not all replicas have, in order, once a session."""
    return AIOKafkaProducer(
        **kafka,
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES,
        max_request_size=1_048_576,
    )


def add(batch: BatchBuilder, row: Row) -> bool:
    """Puts an event into the batch as it stands on the topic; False when it does not fit any more."""
    key, headers = topics.key_of(row["incident_id"]), _headers(row)
    return batch.append(key=key, value=row["envelope"], timestamp=None, headers=headers) is not None


def _headers(row: Row) -> list[tuple[str, bytes]]:
    headers = [
        (topics.HEADER_CONTENT_TYPE, topics.CONTENT_TYPE.encode()),
        (topics.HEADER_SIGNATURE, base64.b64encode(row["signature"])),
    ]
    if (traceparent := traceparent_of(row["envelope"])) is not None:
        headers.append((topics.HEADER_TRACEPARENT, traceparent))
    return headers
