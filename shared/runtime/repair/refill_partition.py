"""One partition on its way from the ledgers to an empty topic. The texts of its events follow from
the relays, which is where erased ones are known."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from shared.chain.link import EMPTY, Head
from shared.chain.trust import Trust
from shared.contract.envelope import MalformedEnvelope, read
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.relay import add
from shared.runtime.process.database import Connection, Row
from shared.runtime.repair.ordering import Number, topic_order
from shared.runtime.repair.refill_databases import CannotRefill, Databases
from shared.runtime.say.texts import ONCE_MORE, TELL_AGAIN

PAGE: Final = 500
Progress = Callable[[str, int], None]


@dataclass(slots=True)
class Filling:
    """One partition on its way to the topic."""

    databases: Databases
    producer: AIOKafkaProducer
    topic: str
    partition: int
    trust: Trust
    progress: Progress
    last: dict[ServiceName, Head] = field(default_factory=lambda: dict.fromkeys(ServiceName, EMPTY))

    def check(self, row: Row, service: ServiceName) -> None:
        """Raises CannotRefill unless every receiver would accept this row next."""
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


async def fill(filling: Filling) -> int:
    """Writes one partition and sets each service's relay cursor and offset for it. Returns how many
    events were written.

    Raises CannotRefill, OrdersDisagree."""
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
        await _set_offsets(connection, owner, filling, order)
    for service in ServiceName:
        await _have_texts_told(filling, service)
    return len(order)


async def _remembered(connection: Connection, partition: int) -> Sequence[Row]:
    """The service's rows in the order in which they were written; `late` are those that had been
    parked because their key was not known yet."""
    return await connection.fetch(
        """SELECT service, sequence, hash IN (
               SELECT hash FROM parked
               WHERE partition = $1 AND reason = 'untrusted' AND resolution = 'heard'
           ) AS late FROM ledger WHERE partition = $1 ORDER BY position""",
        partition,
    )


async def _chain(databases: Databases, service: ServiceName, partition: int) -> AsyncIterator[Row]:
    connection = databases.connections[databases.fullest(service, partition)]
    query = """SELECT sequence, subject_id, envelope, signature FROM ledger
               WHERE service = $1 AND partition = $2 ORDER BY sequence"""
    async for row in connection.cursor(query, service.value, partition, prefetch=PAGE):
        yield row


async def _send(filling: Filling, batch: Any) -> None:
    batch.close()
    await (await filling.producer.send_batch(batch, filling.topic, partition=filling.partition))


async def _have_texts_told(filling: Filling, service: ServiceName) -> None:
    """The relay of the service that the chain was taken from tells its texts, or that they are
    erased, once it starts."""
    owner = filling.databases.fullest(service, filling.partition)
    await filling.databases.connections[owner].execute(
        f"""{TELL_AGAIN} WHERE service = $1 AND partition = $2 AND event_id IN (
                SELECT event_id FROM disclosure UNION SELECT event_id FROM erased
            ) {ONCE_MORE}""",  # noqa: S608  nothing but our own text
        service.value,
        filling.partition,
    )


async def _set_offsets(
    connection: Connection, owner: ServiceName, filling: Filling, order: list[Number]
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
