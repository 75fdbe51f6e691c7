"""The consumer: reads the topic and gives the receiver what comes, each partition in its order.

The consumer group only shares out the partitions. Where to go on stands in this service's own
database."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from shared.runtime.carry.topic import STOP_WITHIN, connected, follower, messages_of
from shared.runtime.hear.batch import Batch
from shared.runtime.hear.examining import examine_all
from shared.runtime.hear.messages import record_of
from shared.runtime.hear.receiver import Receiver
from shared.runtime.hear.tables import Stretch
from shared.runtime.process.lag import Lag
from shared.runtime.process.lease import Fenced

BATCH: Final = 500
"""Most messages that are heard in one transaction."""
READ: Final = 1500
"""Most messages that are read in one go."""
AT_ONCE: Final = 3
"""Partitions that are heard side by side; each takes a connection of the pool."""
GATHERED: Final = 0.02
"""Seconds in which what arrives after something was heard is gathered, so that it shares a
transaction: half a dozen round trips for one event or for five hundred."""
JOINED_WITHIN: Final = 120.0
"""Seconds in which the group has shared out its partitions, or the client is given up."""
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at whether somebody has moved the offsets."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Consumer:
    receiver: Receiver
    kafka: Mapping[str, Any]
    topic: str
    lag: Lag = field(default_factory=Lag)
    assigned: set[int] = field(default_factory=set)
    """Partitions that are newly this replica's: what is parked there has not been looked at with
    its keys yet."""
    heard_to: dict[int, int] = field(default_factory=dict)
    """Where each assigned partition is heard to."""
    read_to: dict[int, int] = field(default_factory=dict)
    """Where the client goes on reading: ahead of that."""
    terms: Counter[int] = field(default_factory=Counter)
    """How often it was said anew where to go on: what was read in an earlier term is dropped, for
    it will be read again."""
    _ahead: "asyncio.Task[list[_Read]] | None" = None
    _next_look: float = 0.0
    _joining_since: float | None = None
    _at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def run(self) -> None:
        """Hears until cancelled or until anything fails; run again, it goes on from the
        database."""
        consumer = follower(self.kafka, group=f"{self.topic}.{self.receiver.ledger.service}")
        consumer.subscribe([self.topic], listener=_FromDatabase(self, consumer))
        self._joining_since = asyncio.get_running_loop().time()
        async with connected(consumer):
            try:
                while True:
                    await self._hear_next(consumer)
            finally:
                self.lag.forget()
                if self._ahead is not None:
                    self._ahead.cancel()
                    await asyncio.wait({self._ahead}, timeout=STOP_WITHIN)
                    self._ahead = None

    async def _hear_next(self, consumer: AIOKafkaConsumer) -> None:
        """Hears what has come, on all partitions."""
        loop = asyncio.get_running_loop()
        self._check_joined(loop.time())
        while self.assigned:
            await self.receiver.take_up(self.assigned.pop())
        read = await (self._ahead or self._read(consumer))
        gathered = loop.time() + GATHERED
        # Behind: what comes next is read and its signatures are checked while Postgres is at this.
        behind = sum(len(batch.examined) for one in read for batch in one.batches) >= BATCH
        self._ahead = asyncio.create_task(self._read(consumer)) if behind else None
        outcomes = await asyncio.gather(
            *(self._hear_all(consumer, one) for one in read), return_exceptions=True
        )
        if failed := [error for error in outcomes if error]:
            raise failed[0]
        self._measure_lag(consumer)
        if loop.time() >= self._next_look:
            await self._notice_if_elsewhere(consumer)
            self._next_look = loop.time() + LOOK_EVERY
        if read and not behind:
            await asyncio.sleep(gathered - loop.time())

    async def _read(self, consumer: AIOKafkaConsumer) -> "list[_Read]":
        """What has come, by partition, and what is to be thought of each message by the keys that
        are known now."""
        messages = await messages_of(consumer, timeout_ms=1000, at_most=READ)
        # Nothing may be awaited before this: an assignment says anew where to go on. What comes
        # before it does comes again.
        wanted = {
            one.partition: of_one
            for one, of_one in messages.items()
            if one.partition in self.read_to
        }
        read = [self._taken(partition, of_one) for partition, of_one in wanted.items()]
        trust = self.receiver.trust.copy()
        records = [record_of(message) for of_one in wanted.values() for message in of_one]
        examined = iter(await examine_all(records, trust))
        for one in read:
            one.batches = [
                Batch(one.partition, trust, list(islice(examined, count)), stretch)
                for count, stretch in one.parts
            ]
        return read

    def _taken(self, partition: int, messages: Sequence[Any]) -> "_Read":
        parts = []
        for some in (messages[at : at + BATCH] for at in range(0, len(messages), BATCH)):
            start, self.read_to[partition] = self.read_to[partition], some[-1].offset + 1
            parts.append((len(some), Stretch(start, self.read_to[partition])))
        return _Read(partition, self.terms[partition], parts)

    async def _hear_all(self, consumer: AIOKafkaConsumer, read: "_Read") -> None:
        """All of one partition. Side by side with others: while one waits for Postgres, another
        goes on."""
        async with self._at_once:
            for batch, (_, stretch) in zip(read.batches, read.parts, strict=True):
                if read.term != self.terms[read.partition]:
                    return
                try:
                    await self.receiver.hear_batch(batch)
                except Fenced as error:
                    log.warning("going on from where the database says", reason=str(error))
                    await self.go_on(consumer, [TopicPartition(self.topic, read.partition)])
                    return
                if read.term == self.terms[read.partition]:
                    self.heard_to[read.partition] = stretch.end

    def _check_joined(self, now: float) -> None:
        """A client can wait for its group for ever, and say nothing. Raises TimeoutError."""
        if self._joining_since is not None and now - self._joining_since > JOINED_WITHIN:
            raise TimeoutError(f"no partitions are given out within {JOINED_WITHIN:g} s")

    def joining(self) -> None:
        """The group shares out its partitions anew."""
        self._joining_since = asyncio.get_running_loop().time()

    def joined(self) -> None:
        """It has, whether or not one of them is this replica's."""
        self._joining_since = None

    def give_up(self, partitions: Iterable[int]) -> None:
        """What is in hand of them is another's to hear now."""
        for partition in partitions:
            self.terms[partition] += 1
            self.read_to.pop(partition, None)
            self.heard_to.pop(partition, None)

    async def go_on(self, consumer: AIOKafkaConsumer, places: Iterable[TopicPartition]) -> None:
        """Reads on from where the database says that these partitions are heard to."""
        offsets = await self._offsets()
        for place in consumer.assignment().intersection(places):
            consumer.seek(place, offsets[place.partition])
            self.heard_to[place.partition] = self.read_to[place.partition] = offsets[
                place.partition
            ]
            self.terms[place.partition] += 1

    async def _notice_if_elsewhere(self, consumer: AIOKafkaConsumer) -> None:
        """An operator may have set the offsets back, and nothing may ever come on the partition
        that would show it."""
        offsets = await self._offsets()
        moved = [
            one
            for one in consumer.assignment()
            if self.heard_to.get(one.partition) != offsets[one.partition]
        ]
        if moved:
            await self.go_on(consumer, moved)

    async def _offsets(self) -> dict[int, int]:
        async with self.receiver.pool.acquire() as connection:
            rows = await connection.fetch("SELECT partition, next_offset FROM heard_offset")
        return {row["partition"]: row["next_offset"] for row in rows}

    def _measure_lag(self, consumer: AIOKafkaConsumer) -> None:
        ends = {place.partition: consumer.highwater(place) for place in consumer.assignment()}
        known = {
            number: end
            for number, end in ends.items()
            if end is not None and number in self.heard_to
        }
        if len(known) == len(ends):
            self.lag.measure({n: max(0, end - self.heard_to[n]) for n, end in known.items()})
        else:
            self.lag.forget()


@dataclass(slots=True)
class _Read:
    """What came of one partition in one go: how many messages each batch takes, and where they
    stood."""

    partition: int
    term: int
    parts: list[tuple[int, Stretch]]
    batches: list[Batch] = field(default_factory=list)


class _FromDatabase(ConsumerRebalanceListener):  # type: ignore[misc]
    """Starts each assigned partition where this service's database says."""

    def __init__(self, owner: Consumer, consumer: AIOKafkaConsumer) -> None:
        self._owner = owner
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing to hand over: offsets are committed with what they stand for."""
        self._owner.joining()
        self._owner.give_up(place.partition for place in revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """What fails here the client only logs: who has not gone on yet is noticed when it
        looks."""
        self._owner.joined()
        self._owner.assigned.update(place.partition for place in assigned)
        await self._owner.go_on(self._consumer, assigned)
