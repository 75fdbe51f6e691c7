"""Fills an empty topic from the services' ledgers: the same bytes, each chain in its order, among
services in the order of old.

Needs the services stopped. Cut off at any point it leaves databases with which the services can
start: relays send all again, and receivers hear all again and keep each event once."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
from aiokafka import AIOKafkaProducer, TopicPartition

from shared.chain.link import EMPTY, Head
from shared.chain.trust import Trust
from shared.contract.envelope import MalformedEnvelope, read
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.relay import add, producer_to
from shared.runtime.carry.topic import follower
from shared.runtime.hear.tables import set_back
from shared.runtime.process.database import Connection, Row
from shared.runtime.repair.ordering import Number, topic_order
from shared.runtime.say.tables import lock_chains

PAGE: Final = 500
Progress = Callable[[str, int], None]
Heads = Mapping[tuple[ServiceName, int], Head]


class CannotRefill(ValueError):
    """The topic cannot be filled as things stand; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Databases:
    """Each service's database, entered as the service, with the heads that it holds."""

    connections: Mapping[ServiceName, Connection]
    heads: Mapping[ServiceName, Heads]

    def fullest(self, service: ServiceName, partition: int) -> ServiceName:
        """Who holds most of a chain; its speaker, where others hold no more."""
        chain = (service, partition)
        return max(
            ServiceName, key=lambda owner: (self.heads[owner][chain].sequence, owner == service)
        )

    def lacking(self) -> list[str]:
        """Services that others have heard more of than they hold themselves."""
        return [
            f"{service}/{partition}: {service} holds {own.sequence} events, {fullest} {self.heads[fullest][chain].sequence}; before "
            f"{service} starts: ledger rebuild {service} --heard"
            for chain in sorted(self.heads[ServiceName.INTAKE])
            for service, partition in [chain]
            if (own := self.heads[service][chain]).sequence
            < self.heads[fullest := self.fullest(service, partition)][chain].sequence
        ]


@dataclass(frozen=True, slots=True)
class Refilled:
    events: int
    lacking: list[str]


async def refill(
    dsns: Mapping[ServiceName, str],
    kafka: Mapping[str, Any],
    topic: str,
    trust: Trust,
    progress: Progress,
) -> Refilled:
    """Raises CannotRefill, OrdersDisagree. `progress` hears which partition is filled, and how
    far."""
    await _require_empty(kafka, topic)
    async with _opened(dsns) as databases:
        for connection in databases.connections.values():
            await _forget_the_old_topic(connection)
        async with AsyncExitStack() as stack:
            for connection in databases.connections.values():
                await stack.enter_async_context(connection.transaction())
                # Nobody says or hears anything until this ends.
                await lock_chains(connection)
            producer = producer_to(kafka)
            await producer.start()
            try:
                counts = [
                    await _fill(_Filling(databases, producer, topic, partition, trust, progress))
                    for partition in range(PARTITIONS)
                ]
            finally:
                await producer.stop()
            ends = await _ends(kafka, topic)
            if ends != counts:
                raise CannotRefill(
                    f"topic {topic} holds {sum(ends)} messages after {sum(counts)} were written: somebody else writes to it; stop "
                    "it, delete the topic, and begin again"
                )
    return Refilled(sum(counts), databases.lacking())


@asynccontextmanager
async def _opened(dsns: Mapping[ServiceName, str]) -> AsyncIterator[Databases]:
    async with AsyncExitStack() as stack:
        connections: dict[ServiceName, Connection] = {}
        for service, dsn in dsns.items():
            connections[service] = connection = await asyncpg.connect(dsn)
            stack.push_async_callback(connection.close)
            if await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()",
                f"incident-ledger {service}",
            ):
                raise CannotRefill(f"{service} runs on its database: stop all services first")
        heads = {service: await _heads(connection) for service, connection in connections.items()}
        yield Databases(connections, heads)


async def _heads(connection: Connection) -> Heads:
    rows = await connection.fetch("SELECT service, partition, sequence, hash FROM chain")
    return {
        (ServiceName(row["service"]), row["partition"]): Head(row["sequence"], row["hash"])
        for row in rows
    }


async def _forget_the_old_topic(connection: Connection) -> None:
    """From here on: relay all, hear all. What is parked keeps its bytes and loses its place, which
    is another message's now."""
    async with connection.transaction():
        await set_back(connection)
        await connection.execute(
            "UPDATE parked SET kafka_offset = -parked_id WHERE kafka_offset >= 0"
        )


@dataclass(slots=True)
class _Filling:
    """One partition on its way to the topic."""

    databases: Databases
    producer: AIOKafkaProducer
    topic: str
    partition: int
    trust: Trust
    progress: Progress
    last: dict[ServiceName, Head] = field(default_factory=lambda: dict.fromkeys(ServiceName, EMPTY))

    def check(self, row: Row, service: ServiceName) -> None:
        """Only what every receiver would accept next goes to the topic."""
        where = f"{service}/{self.partition} number {row['sequence']}"
        try:
            event = read(row["envelope"])
        except MalformedEnvelope as error:
            raise CannotRefill(f"{where} is no envelope ({error}); see ledger verify") from error
        if (refusal := self.trust.refusal(event, row["signature"])) is not None:
            raise CannotRefill(f"{where}: {refusal}; see ledger verify")
        before = self.last[service]
        if (event.service, event.link.partition) != (service, self.partition) or (
            event.link.sequence,
            event.link.prevhash,
        ) != (before.sequence + 1, before.hash):
            raise CannotRefill(
                f"{where} does not follow number {before.sequence}; see ledger verify"
            )
        self.last[service] = head = Head(event.link.sequence, event.hash)
        for owner, heads in self.databases.heads.items():
            held = heads[service, self.partition]
            if held.sequence == head.sequence and held.hash != head.hash:
                raise CannotRefill(f"{owner} holds another event at {where}; see ledger verify")
        self.trust = self.trust.after(event)


async def _fill(filling: _Filling) -> int:
    """Writes one partition and moves every service's cursor and offset of it; how many events there
    are."""
    memories: dict[ServiceName, list[Number]] = {}
    late: dict[ServiceName, set[Number]] = {}
    for owner, connection in filling.databases.connections.items():
        rows = await _remembered(connection, filling.partition)
        memories[owner] = [(ServiceName(row["service"]), row["sequence"]) for row in rows]
        late[owner] = {
            (ServiceName(row["service"]), row["sequence"]) for row in rows if row["late"]
        }
    order = list(topic_order(memories, late))
    chains = {
        service: _chain(filling.databases, service, filling.partition) for service in ServiceName
    }
    batch, waiting = filling.producer.create_batch(), 0
    for done, (service, _) in enumerate(order, 1):
        row = await anext(chains[service], None)
        if row is None:
            raise CannotRefill(
                f"{service}/{filling.partition} ends before its head; see ledger verify"
            )
        filling.check(row, service)
        if not add(batch, row):
            await _send(filling, batch)
            batch, waiting = filling.producer.create_batch(), 0
            add(batch, row)
        waiting += 1
        filling.progress(f"partition {filling.partition}", done)
    if waiting:
        await _send(filling, batch)
    for owner, connection in filling.databases.connections.items():
        await _set_places(connection, owner, filling, order)
    return len(order)


async def _remembered(connection: Connection, partition: int) -> Sequence[Row]:
    """What it said and heard, and what of that was parked before, for want of its key, and heard
    when that was known."""
    return await connection.fetch(
        """SELECT service, sequence, hash IN (
               SELECT hash FROM parked WHERE partition = $1 AND reason = 'untrusted' AND resolution = 'heard'
           ) AS late FROM ledger WHERE partition = $1 ORDER BY position""",
        partition,
    )


async def _chain(databases: Databases, service: ServiceName, partition: int) -> AsyncIterator[Row]:
    connection = databases.connections[databases.fullest(service, partition)]
    query = """SELECT sequence, incident_id, envelope, signature FROM ledger
               WHERE service = $1 AND partition = $2 ORDER BY sequence"""
    async for row in connection.cursor(query, service.value, partition, prefetch=PAGE):
        yield row


async def _send(filling: _Filling, batch: Any) -> None:
    batch.close()
    await (await filling.producer.send_batch(batch, filling.topic, partition=filling.partition))


async def _set_places(
    connection: Connection, owner: ServiceName, filling: _Filling, order: list[Number]
) -> None:
    held = {
        service: filling.databases.heads[owner][service, filling.partition].sequence
        for service in ServiceName
    }
    new = (
        offset
        for offset, (service, sequence) in enumerate(order)
        if service != owner and sequence > held[service]
    )
    await connection.execute(
        "UPDATE heard_offset SET next_offset = $2 WHERE partition = $1",
        filling.partition,
        next(new, len(order)),
    )
    await connection.execute(
        "UPDATE relay_cursor SET sequence = $2 WHERE partition = $1", filling.partition, held[owner]
    )


async def _require_empty(kafka: Mapping[str, Any], topic: str) -> None:
    if any(ends := await _ends(kafka, topic)):
        raise CannotRefill(
            f"topic {topic} is not empty, it has had {sum(ends)} messages: nothing is written to it. To make it anew, delete it at the "
            "broker and run ledger migrate"
        )


async def _ends(kafka: Mapping[str, Any], topic: str) -> list[int]:
    consumer = follower(kafka)
    await consumer.start()
    try:
        if topic not in await consumer.topics():
            raise CannotRefill(f"topic {topic} does not exist; make it with: ledger migrate")
        ends = await consumer.end_offsets(
            [TopicPartition(topic, number) for number in range(PARTITIONS)]
        )
    finally:
        await consumer.stop()
    return [ends[TopicPartition(topic, number)] for number in range(PARTITIONS)]
