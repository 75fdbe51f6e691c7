"""The consumer: reads the topic and gives the receiver what comes, each partition in its order.

The consumer group only shares out the partitions. Where to go on stands in this service's own database.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from shared.runtime.examining import examine_all
from shared.runtime.messages import record_of
from shared.runtime.receiver import Batch, Receiver

BATCH: Final = 500
"""Most messages that are heard in one transaction."""
READ: Final = 1500
"""Most messages that are read in one go."""
AT_ONCE: Final = 3
"""Partitions that are heard side by side; each takes a connection of the pool."""
GATHERED: Final = 0.02
"""Seconds in which what arrives after something was heard is gathered, so that it shares a transaction: half a dozen round trips
for one event or for five hundred."""


@dataclass(slots=True)
class Consumer:
    receiver: Receiver[Any, Any]
    kafka: Mapping[str, Any]
    topic: str
    lag: dict[int, int]
    """Messages of each assigned partition that are not heard yet; empty while it is not known. Written here, read by readiness and
    metrics."""
    assigned: set[int] = field(default_factory=set)
    """Partitions that are newly this replica's: what is parked there has not been looked at with its keys yet."""
    heard_to: dict[int, int] = field(default_factory=dict)
    """Where to go on in each partition, once what has been heard of it is what it began with. The client is ahead of that."""
    _at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def run(self) -> None:
        """Hears until cancelled or until anything fails; whoever runs it again goes on from the database."""
        consumer = AIOKafkaConsumer(
            **self.kafka,
            group_id=f"{self.topic}.{self.receiver.ledger.service}",
            enable_auto_commit=False,
            # Only reached when the topic has lost or renumbered messages: hear all again, the chains drop what is known.
            auto_offset_reset="earliest",
            # A topic that is made or grows while this runs is noticed in seconds, not in five minutes.
            metadata_max_age_ms=10_000,
        )
        ahead: asyncio.Task[list[list[Batch]]] | None = None
        consumer.subscribe([self.topic], listener=_FromDatabase(self, consumer))
        try:
            await consumer.start()
            while True:
                while self.assigned:
                    await self.receiver.take_up(self.assigned.pop())
                read = await (ahead or self._read(consumer))
                next_look = asyncio.get_running_loop().time() + GATHERED
                # Behind: what comes next is read and its signatures are checked while Postgres is at this.
                behind = sum(len(batch.examined) for batches in read for batch in batches) >= BATCH
                ahead = asyncio.create_task(self._read(consumer)) if behind else None
                failed = [
                    error for error in await asyncio.gather(*map(self._hear_all, read), return_exceptions=True) if error
                ]
                if failed:
                    raise failed[0]
                self._measure_lag(consumer)
                if read and not behind:
                    await asyncio.sleep(next_look - asyncio.get_running_loop().time())
        finally:
            self.lag.clear()
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)
            await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer) -> "list[list[Batch]]":
        """What has come, by partition, and what is to be thought of each message by the keys that are known now."""
        messages = await consumer.getmany(timeout_ms=1000, max_records=READ)
        records = [record_of(message) for of_one in messages.values() for message in of_one]
        trust = self.receiver.trust.copy()
        examined = iter(await examine_all(records, trust))
        return [
            [
                Batch(place.partition, trust, list(islice(examined, len(some))), some[-1].offset + 1)
                for some in (of_one[at : at + BATCH] for at in range(0, len(of_one), BATCH))
            ]
            for place, of_one in messages.items()
        ]

    async def _hear_all(self, batches: "Sequence[Batch]") -> None:
        """All of one partition. Side by side with others: while one waits for Postgres, another goes on."""
        async with self._at_once:
            for batch in batches:
                await self.receiver.hear_batch(batch)
                if batch.next_offset is not None:
                    self.heard_to[batch.partition] = batch.next_offset

    def _measure_lag(self, consumer: AIOKafkaConsumer) -> None:
        ends = {place.partition: consumer.highwater(place) for place in consumer.assignment()}
        known = {number: end for number, end in ends.items() if end is not None and number in self.heard_to}
        lag = {number: max(0, end - self.heard_to[number]) for number, end in known.items()}
        self.lag.clear()
        if len(lag) == len(ends):
            self.lag.update(lag)


class _FromDatabase(ConsumerRebalanceListener):  # type: ignore[misc]
    """Starts each assigned partition where this service's database says."""

    def __init__(self, owner: Consumer, consumer: AIOKafkaConsumer) -> None:
        self._owner = owner
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing to hand over: offsets are committed with what they stand for."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        async with self._owner.receiver.pool.acquire() as connection:
            rows = await connection.fetch("SELECT partition, next_offset FROM heard_offset")
        offsets = {row["partition"]: row["next_offset"] for row in rows}
        for place in assigned:
            self._consumer.seek(place, offsets[place.partition])
            self._owner.heard_to[place.partition] = offsets[place.partition]
            self._owner.assigned.add(place.partition)
