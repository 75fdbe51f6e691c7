"""A model of one service's Postgres: read committed, row locks on lanes, unique keys, and
connections that break.

A transaction's writes are its own until it commits; then all of them are there at once, or none.
Its connection may be lost at any statement, before the commit (nothing was written) or after it
(all was written, and the writer does not know)."""

from bisect import bisect_right, insort
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName
from tests.simulation.chance import Chance
from tests.simulation.schedule import Future, Scheduler, Steps


class ConnectionLost(OSError):
    """The session ended. Of a statement inside a transaction: nothing is written. Of its commit:
    nobody knows."""


class UniqueViolation(Exception):
    """Two rows want one key: in production a bug, and the process stops loudly."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the ledger table."""

    event: Event
    version: int
    signature: bytes
    offset: int | None
    texts: tuple[str, ...] = ()
    """What the relay found beside it when it read the row."""


class Database:
    """Tables are dictionaries by key; ("parked", partition) is a table of its own so that it can be
    scanned."""

    def __init__(
        self, name: str, scheduler: Scheduler, chance: Chance, delay: Callable[[float], float]
    ) -> None:
        self.name = name
        self.scheduler = scheduler
        self.chance = chance
        self.delay = delay
        self.tables: dict[Hashable, dict[Any, Any]] = defaultdict(dict)
        self.order: list[Row] = []
        self.sequences: dict[tuple[ServiceName, int], list[int]] = defaultdict(list)
        self.marks = 0
        self.locks: dict[Hashable, tuple[Transaction, deque[Future]]] = {}

    def get(self, table: Hashable, key: Hashable, default: Any = None) -> Any:
        """What is committed."""
        return self.tables[table].get(key, default)

    def transaction(self, who: str) -> "Transaction":
        return Transaction(self, who)

    def after(self, service: ServiceName, partition: int, cursor: int, limit: int) -> list[Row]:
        """The committed events of a chain past a cursor."""
        sequences = self.sequences[service, partition]
        ledger = self.tables["ledger"]
        start = bisect_right(sequences, cursor)
        return [
            ledger[service, partition, sequence] for sequence in sequences[start : start + limit]
        ]


class Transaction:
    """`with` ends it: what was not committed by then is rolled back, and its locks are free."""

    def __init__(self, database: Database, who: str) -> None:
        self.database = database
        self.who = who
        self._written: dict[Hashable, dict[Any, Any]] = defaultdict(dict)
        self._inserted: list[tuple[Hashable, Any]] = []
        self._held: list[Hashable] = []

    def __enter__(self) -> "Transaction":
        return self

    def __exit__(self, *_error: object) -> None:
        self._release()

    def statement(self) -> Steps:
        """One round trip."""
        yield self.database.delay(0.003)
        if self.database.chance("connection lost", self.who):
            self._release()
            raise ConnectionLost(f"{self.who}: lost in a transaction")

    def lock(self, keys: Sequence[Hashable]) -> Steps:
        """SELECT … FOR UPDATE, in the order given."""
        yield from self.statement()
        for key in keys:
            if key in self._held:
                continue
            while (taken := self.database.locks.get(key)) is not None:
                turn = Future()
                taken[1].append(turn)
                yield turn
            self.database.locks[key] = (self, deque())
            self._held.append(key)

    def get(self, table: Hashable, key: Hashable, default: Any = None) -> Any:
        written = self._written.get(table)
        if written is not None and key in written:
            return written[key]
        return self.database.tables[table].get(key, default)

    def scan(self, table: Hashable) -> dict[Any, Any]:
        return {**self.database.tables[table], **self._written.get(table, {})}

    def put(self, table: Hashable, key: Hashable, value: Any) -> None:
        self._written[table][key] = value

    def insert(self, table: Hashable, key: Hashable, value: Any) -> None:
        if self.get(table, key) is not None:
            raise UniqueViolation(f"{table}: {key} is taken")
        self._inserted.append((table, key))
        self._written[table][key] = value

    def commit(self) -> Steps:
        yield self.database.delay(0.003)
        if self.database.chance("rolled back", self.who):
            self._release()
            raise ConnectionLost(f"{self.who}: lost before the commit")
        self._apply()
        self._release()
        yield self.database.delay(0.003)
        if self.database.chance("answer lost after commit", self.who):
            raise ConnectionLost(f"{self.who}: lost after the commit")

    def _apply(self) -> None:
        database = self.database
        for table, key in self._inserted:
            if key in database.tables[table]:
                self._release()
                raise UniqueViolation(f"{table}: {key} is taken")
        for table, rows in self._written.items():
            database.tables[table].update(rows)
        for (service, partition, sequence), row in self._written.get("ledger", {}).items():
            insort(database.sequences[service, partition], sequence)
            database.order.append(row)

    def _release(self) -> None:
        for key in self._held:
            _, turns = self.database.locks.pop(key)
            for turn in turns:
                self.database.scheduler.set(turn)
        self._held.clear()
        self._written.clear()
        self._inserted.clear()
