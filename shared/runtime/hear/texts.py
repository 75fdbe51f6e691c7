"""Hears the texts that belong to events, and the persons behind pseudonyms. They come on a topic of
their own, before their events or after; hearing an event never waits for them.

Nothing here is believed: a text whose digest stands in no event is never shown, a person counts
only under the pseudonym that is that person's, and what was erased is not taken in. A tombstone
erases nothing, for anybody who may write to the topic could send one: only the signed event
does."""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from asyncpg.pool import Pool

from shared.contract.disclosure import Disclosure, MalformedDisclosure, read_disclosure
from shared.contract.topics import PARTITIONS, disclosures_of
from shared.runtime.carry.topic import connected, follower, messages_of
from shared.runtime.hear.persons import Message, count, is_person, take_in_persons
from shared.runtime.process.database import Connection
from shared.runtime.process.lag import Lag
from shared.runtime.process.lease import Fenced
from shared.runtime.say.people import People
from shared.runtime.say.texts import ONCE_MORE, OWN, TELL_AGAIN, take_in

ELSEWHERE: Final = "the topic of texts is to be read from elsewhere"
LOOK_EVERY: Final = 5.0
"""Seconds between two looks whether the topic is to be read from elsewhere."""
READ: Final = 500
"""Most messages that are taken in in one transaction."""


@dataclass(slots=True)
class TextConsumer:
    pool: "Pool[asyncpg.Record]"
    kafka: Mapping[str, Any]
    topic: str
    """Of the events."""
    people: People
    lag: Lag = field(default_factory=Lag)
    read_to: dict[int, int] = field(default_factory=dict)
    """How far this replica has read; the database knows how far any of them has."""

    async def run(self) -> None:
        """Hears until cancelled or until anything fails; run again, it goes on from the
        database."""
        loop = asyncio.get_running_loop()
        try:
            async with self._opened() as consumer:
                look_at = loop.time() + LOOK_EVERY
                while True:
                    await self._hear_next(consumer)
                    await self._measure_lag(consumer)
                    if loop.time() >= look_at:
                        await self._refuse_if_elsewhere()
                        look_at = loop.time() + LOOK_EVERY
        finally:
            self.lag.forget()

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[AIOKafkaConsumer]:
        topic = disclosures_of(self.topic)
        async with connected(follower(self.kafka, at_once=READ)) as consumer:
            # All of them, in every replica: what is kept twice is kept once, and nothing is lost
            # while a group shares out its partitions.
            consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
            self.read_to = await self._offsets()
            for partition, offset in self.read_to.items():
                consumer.seek(TopicPartition(topic, partition), offset)
            yield consumer

    async def _hear_next(self, consumer: AIOKafkaConsumer) -> None:
        messages = await messages_of(consumer, timeout_ms=1000)
        for place, of_one in messages.items():
            await self._keep(place.partition, of_one)

    async def _measure_lag(self, consumer: AIOKafkaConsumer) -> None:
        ends = {one: consumer.highwater(one) for one in consumer.assignment()}
        if None in ends.values():
            self.lag.forget()
            return
        self.lag.measure(
            {one.partition: max(0, end - await consumer.position(one)) for one, end in ends.items()}
        )

    async def _refuse_if_elsewhere(self) -> None:
        """The database is never behind a replica, unless the topic was set back. Raises Fenced."""
        offsets = await self._offsets()
        if any(offset < self.read_to[partition] for partition, offset in offsets.items()):
            raise Fenced(ELSEWHERE)

    async def _offsets(self) -> dict[int, int]:
        async with self.pool.acquire() as connection:
            rows = await connection.fetch("SELECT partition, next_offset FROM told_offset")
        return {row["partition"]: row["next_offset"] for row in rows}

    async def _keep(self, partition: int, messages: Sequence[Any]) -> None:
        told = texts_of(messages)
        async with self.pool.acquire() as connection, connection.transaction():
            await take_in(connection, told)
            await tell_again(connection, told)
            await take_in_persons(connection, messages, self.people)
            status = await connection.execute(
                "UPDATE told_offset SET next_offset = greatest(next_offset, $2) "
                "WHERE partition = $1 AND next_offset >= $3",
                partition,
                end := messages[-1].offset + 1,
                self.read_to[partition],
            )
            if status != "UPDATE 1":
                raise Fenced(ELSEWHERE)
        self.read_to[partition] = end


def texts_of(
    messages: Sequence[Message],
) -> dict[UUID, list[Disclosure]]:
    """The texts in these messages, by event. What is no such message is counted and told, never
    with what it holds."""
    told: dict[UUID, list[Disclosure]] = defaultdict(list)
    for message in messages:
        if not message.value or is_person(message):
            continue
        try:
            event_id = UUID((message.key or b"").decode())
            value = json.loads(message.value)
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise MalformedDisclosure("not a list of texts")
            told[event_id].extend(map(read_disclosure, value))
        except (ValueError, RecursionError) as error:
            known = isinstance(error, MalformedDisclosure)
            count(message, str(error) if known else type(error).__name__)
    return told


async def tell_again(connection: Connection, told: Mapping[UUID, Sequence[Disclosure]]) -> None:
    """A text that was erased and is on the topic all the same, under an event of this service's
    own: a relay that was replaced and did not know it yet, or somebody else. What the topic says of
    the event is replaced there once more."""
    rows = [(one.digest, event_id) for event_id, several in told.items() for one in several]
    await connection.execute(
        f"""{TELL_AGAIN} WHERE {OWN} AND event_id IN (
                SELECT event_id FROM unnest($1::text[], $2::uuid[]) AS told (digest, event_id)
                WHERE EXISTS (SELECT FROM erased WHERE erased.digest = told.digest)
            ) {ONCE_MORE}""",  # noqa: S608  nothing but our own text
        [digest for digest, _ in rows],
        [event_id for _, event_id in rows],
    )
