"""The texts beside the events, in one process of a service: kept when they are said, told by the
relay, taken in from a topic of their own, and erased. The order of I/O is that of the modules
that it
mirrors; what a message holds is read and written by the product's own functions.

What Postgres finds by an index, the model keeps in tables of its own: the texts of an event, and
the events under which a text is kept."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from shared.contract.catalogue.review import ContentErased
from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.texts import message_of
from shared.runtime.hear.judge import Record
from shared.runtime.hear.texts import texts_of
from shared.runtime.say.plan import Signed
from tests.simulation.broker import Producer, Request
from tests.simulation.database import Database, Transaction
from tests.simulation.schedule import Steps

if TYPE_CHECKING:
    from tests.simulation.world import World

BESIDE: Final = 100
"""The model's broker has one topic: the partitions of texts are those of events and this many."""
READ, AT_ONCE = 7, 4


class SendFailed(OSError):
    """Stands for aiokafka's errors and for the relay's own deadline."""


class Fenced(OSError):
    """Another has taken over since, or the work was set back."""


def texts_record(event_id: UUID, partition: int, texts: Sequence[str]) -> Record:
    """As it is sent; a tombstone has no value."""
    value = message_of(texts) or b""
    return Record(partition + BESIDE, -1, str(event_id).encode(), value, (), b"")


class Texts:
    """What a replica does with texts. `told_to` is how far this process has read of each
    partition."""

    name: str
    service: ServiceName
    world: "World"
    database: Database
    told_to: dict[int, int]
    _producer: Producer | None

    # Saying: the end of say_next, and texts.forgetting

    def keep_texts(self, transaction: Transaction, rows: Sequence[Signed]) -> None:
        for row in rows:
            event = row.recorded.event
            transaction.put("own", event.id, event.link.partition)
            for one in row.disclosures:
                self.keep(transaction, event.id, one.digest, one.text)

    def keep(self, transaction: Transaction, event_id: UUID, digest: str, text: str) -> None:
        transaction.put(("of", event_id), digest, text)
        transaction.put(("under", digest), event_id, True)

    def forget(self, transaction: Transaction, events: Iterable[Event]) -> Steps:
        """Mirrors projection.forget."""
        erasing = [one.data for one in events if isinstance(one.data, ContentErased)]
        if not erasing:
            return
        yield from self.exclude(transaction)
        yield from transaction.statement()
        for one in (one for data in erasing for one in data.texts):
            transaction.put("erased", one.digest, True)
            for event_id, there in transaction.scan(("under", one.digest)).items():
                if there:
                    transaction.put(("of", event_id), one.digest, None)
                    transaction.put(("under", one.digest), event_id, False)
                    self.have_told_again(transaction, event_id)

    def exclude(self, transaction: Transaction) -> Steps:
        """The lock is shared by those who take in; here they exclude each other too."""
        yield from transaction.lock(["texts"])

    def have_told_again(self, transaction: Transaction, event_id: UUID) -> None:
        if (partition := transaction.get("own", event_id)) is not None:
            self.database.marks += 1
            transaction.put("retold", event_id, (partition, self.database.marks))

    # Carrying: texts.retell

    def texts_at_hand(self, event_id: UUID) -> tuple[str, ...]:
        return tuple(filter(None, self.database.tables["of", event_id].values()))

    def anything_to_retell(self) -> bool:
        return any(self.database.tables["retold"].values())

    def retell(self) -> Steps:
        while rows := self._to_retell():
            flying = [
                self._send_beside(
                    partition, [texts_record(one, partition, texts) for one, _, texts in several]
                )
                for partition, several in rows.items()
            ]
            self.give_up_later(flying)
            for request in flying:
                yield request.answer
            if not all(request.answer.value for request in flying):
                raise SendFailed(f"{self.name}: texts were not acknowledged")
            yield from self.relay_statement()
            table = self.database.tables["retold"]
            for partition, several in rows.items():
                for event_id, mark, _ in several:
                    if table.get(event_id) == (partition, mark):
                        table[event_id] = None

    def _to_retell(self) -> dict[int, list[tuple[UUID, int, tuple[str, ...]]]]:
        rows: dict[int, list[tuple[UUID, int, tuple[str, ...]]]] = defaultdict(list)
        wanted = [item for item in self.database.tables["retold"].items() if item[1]]
        for event_id, (partition, mark) in wanted[:AT_ONCE]:
            rows[partition].append((event_id, mark, self.texts_at_hand(event_id)))
        return dict(rows)

    def _send_beside(self, partition: int, records: Sequence[Record]) -> Request:
        assert self._producer is not None
        return self.world.broker.send(self._producer, partition + BESIDE, records)

    def give_up_later(self, requests: Sequence[Request]) -> None:
        raise NotImplementedError

    def relay_statement(self) -> Steps:
        raise NotImplementedError

    # Hearing: texts.TextConsumer

    def hear_texts(self) -> Steps:
        self.told_to = {
            number: self.database.get("told_offset", number, 0) for number in self.world.partitions
        }
        while True:
            yield self.world.delay(0.05)
            for number, reached in self.told_to.items():
                if self.is_elsewhere(self.database.get("told_offset", number, 0), reached):
                    raise Fenced(f"{self.name}: the texts are to be read from elsewhere")
                log = self.world.broker.logs[number + BESIDE]
                start = reached if reached <= len(log) else 0
                if records := log[start : start + READ]:
                    yield from self._keep(number, records)

    def _keep(self, number: int, records: Sequence[Record]) -> Steps:
        """Mirrors the function of that name."""
        told, end = texts_of(records), records[-1].offset + 1
        with self.database.transaction(f"{self.name} texts") as transaction:
            yield from self.exclude_erasing(transaction)
            yield from transaction.statement()
            for event_id, several in told.items():
                for one in several:
                    if self.is_erased(transaction, one.digest):
                        self.tell_away(transaction, event_id)
                    else:
                        self.keep(transaction, event_id, one.digest, one.text)
            yield from transaction.lock([("told_offset", number)])
            reached = transaction.get("told_offset", number, 0)
            if self.is_elsewhere(reached, self.told_to[number]):
                raise Fenced(f"{self.name}: the texts are to be read from elsewhere")
            transaction.put("told_offset", number, max(reached, end))
            yield from transaction.commit()
        self.told_to[number] = end

    def exclude_erasing(self, transaction: Transaction) -> Steps:
        yield from self.exclude(transaction)

    def is_elsewhere(self, known: int, reached: int) -> bool:
        """Mirrors TextConsumer._refuse_if_elsewhere."""
        return known < reached

    def tell_away(self, transaction: Transaction, event_id: UUID) -> None:
        """Mirrors texts.tell_again."""
        self.have_told_again(transaction, event_id)

    def is_erased(self, transaction: Transaction, digest: str) -> bool:
        return bool(transaction.get("erased", digest))


def last_told(log: Sequence[Record]) -> dict[UUID, set[str]]:
    """What is left of a partition once it is compacted: the digests that are told of each event."""
    last = {record.key: record for record in log}
    told = texts_of(list(last.values()))
    return {event_id: {one.digest for one in several} for event_id, several in told.items()}
