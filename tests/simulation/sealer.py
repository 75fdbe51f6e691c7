"""The sealer of a replica of review, in the order of steps of `sealer.Sealer` and
`log_state.LogState`.

What becomes a leaf, what waits and what may be resumed is decided by `decide.take` and
`growth.may_resume`. The Merkle tree is replaced by a hash over the leaves: its own tests prove it,
and no decision looks inside."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.chain.link import Head
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, Parked, ParkReason, Record
from shared.seal import decide, growth
from shared.seal.decide import Chains, Taken
from shared.seal.growth import TreeHead
from shared.tlog.merkle import EMPTY_ROOT
from tests.simulation.database import ConnectionLost, Transaction
from tests.simulation.schedule import Steps

if TYPE_CHECKING:
    from tests.simulation.replica import Replica

EVERY = 0.3
NOTHING = Chains()
AT_ONCE = 9


class Fenced(OSError):
    """Another sealer has taken over since."""


class Changed(OSError):
    """The checkpoint in the store is not the one that was to be replaced."""


@dataclass(slots=True)
class Store:
    """Where the log lies: the leaves under the checkpoint that everybody sees, and under every one
    that was ever shown."""

    shown: tuple[bytes, ...] = ()
    earlier: list[tuple[bytes, ...]] = field(default_factory=list)

    def replace(self, before: Sequence[bytes], after: tuple[bytes, ...]) -> None:
        """Mirrors LogStore.replace: compare and swap."""
        if self.shown != before:
            raise Changed("another checkpoint is in the store")
        self.earlier.append(after)
        self.shown = after


def sealed(leaves: Sequence[bytes]) -> TreeHead:
    return TreeHead(
        len(leaves),
        hashlib.blake2b(b"".join(leaves), digest_size=32).digest() if leaves else EMPTY_ROOT,
    )


class Sealer:
    """One term of one sealer, from taking over until something fails."""

    def __init__(self, replica: "Replica", store: Store) -> None:
        self.replica = replica
        self.world = replica.world
        self.database = replica.database
        self.store = store
        self.name = f"{replica.name} sealer"
        self.epoch = 0
        self.session_lost = False
        self.leaves: tuple[bytes, ...] = ()
        self.chains = Chains()

    def run(self) -> Steps:
        """Mirrors Sealer.run and lease.lease."""
        while self.database.get("lease", "sealer") not in (None, self.replica):
            yield self.world.delay(0.25)
        self.database.tables["lease"]["sealer"] = self.replica
        try:
            yield from self._statement()
            yield from self.take_over()
            read_to = {
                number: self.database.get("log_offset", number, 0)
                for number in self.world.partitions
            }
            yield from self.take_up()
            while True:
                yield self.world.delay(EVERY)
                if arrived := self.read(read_to):
                    yield from self.seal(arrived, read_to)
        finally:
            self._give_up_lease()

    def _give_up_lease(self) -> None:
        if self.database.get("lease", "sealer") is self.replica:
            self.database.tables["lease"]["sealer"] = None

    def _statement(self) -> Steps:
        """On the lease's own connection, as the relay's."""
        yield self.world.delay(0.003)
        if self.world.chance("lease lost with its session", self.name):
            self.session_lost = True
        if self.session_lost or self.world.chance("lease lost, session lives", self.name):
            self._give_up_lease()
        if self.session_lost:
            yield self.world.delay(0.5)
            raise ConnectionLost(f"{self.name}: its session is gone")

    def take_over(self) -> Steps:
        """Mirrors Sealer.take_over: refuses what would fork the log, and completes what was
        decided."""
        with self.database.transaction(self.name) as transaction:
            yield from transaction.lock(["log_state"])
            self.epoch = transaction.get("log", "epoch", 0) + 1
            transaction.put("log", "epoch", self.epoch)
            yield from transaction.commit()
        yield from self._statement()
        decided, published = (
            self.database.get("log", "leaves", ()),
            self.database.get("log", "published", 0),
        )
        shown = self.store.shown
        growth.may_resume(
            sealed(decided), sealed(decided[:published]), sealed(shown) if shown else None
        )
        self.leaves = decided[:published]
        waiting, refused = self.waiting()
        if refused:
            yield from self.doubt(waiting, refused)
        self.chains = Chains(
            {**NOTHING.heads, **self.database.tables["log_chain"]},
            waiting,
            {hole.chain: hole for hole in self.database.get("log", "holes", ())},
        )
        if decided != self.leaves:
            yield from self.publish(decided, shown)

    def waiting(self) -> tuple[Mapping[int, tuple[Heard, ...]], list[Record]]:
        """What waits, and what of that is not trusted any more. Mirrors LogState.chains."""
        examined = {
            number: [
                self.examine(item.record) for item in self.database.get("log_waiting", number, ())
            ]
            for number in self.world.partitions
        }
        return (
            {
                number: tuple(item for item in items if isinstance(item, Heard))
                for number, items in examined.items()
            },
            [
                item.record
                for items in examined.values()
                for item in items
                if isinstance(item, Parked)
            ],
        )

    def doubt(self, waiting: Mapping[int, tuple[Heard, ...]], refused: Sequence[Record]) -> Steps:
        """Mirrors the end of LogState.chains: one transaction, fenced."""
        with self.database.transaction(self.name) as transaction:
            yield from transaction.statement()
            for number, items in waiting.items():
                transaction.put("log_waiting", number, items)
            self.park(transaction, refused)
            yield from self.fence(transaction)
            yield from transaction.commit()

    def park(self, transaction: Transaction, untrusted: Sequence[Record]) -> None:
        """Mirrors LogState._park."""
        for record in untrusted:
            transaction.put("log_parked", (record.partition, record.offset, record.value), record)

    def examine(self, record: Record) -> Heard | Parked:
        return self.world.examine(record, self.replica.service)

    def take_up(self) -> Steps:
        """Mirrors Sealing.take_up, in one page."""
        arrived: dict[int, list[Heard | Parked]] = {number: [] for number in self.chains.waiting}
        for record in self.database.tables["log_parked"].values():
            item = self.examine(record)
            if isinstance(item, Heard):
                head = self.chains.heads[item.event.service, record.partition]
                if item.event.link.sequence > head.sequence:
                    arrived.setdefault(record.partition, []).append(item)
        yield from self.seal(arrived, {})

    def read(self, read_to: dict[int, int]) -> dict[int, list[Heard | Parked]]:
        """Mirrors Sealing._read, out of range from the earliest."""
        arrived = {}
        for number in self.world.partitions:
            log = self.world.broker.logs[number]
            start = read_to[number] if read_to[number] <= len(log) else 0
            records = log[start : start + AT_ONCE]
            read_to[number] = start + len(records)
            if records:
                arrived[number] = [self.examine(record) for record in records]
        return arrived

    def seal(
        self, arrived: Mapping[int, Sequence[Heard | Parked]], offsets: Mapping[int, int]
    ) -> Steps:
        """Mirrors Sealing.seal."""
        taken: list[Taken] = []
        chains, now = self.chains, self.world.start + timedelta(seconds=self.world.scheduler.now)
        for number, examined in arrived.items():
            taken.append(
                decide.take(chains, number, self.known(examined), examined, self.world.trust, now)
            )
            chains = taken[-1].chains
        leaves = (*self.leaves, *(heard.event.hash for one in taken for heard in one.leaves))
        yield from self.decide(taken, leaves, offsets, chains)
        self.chains = chains
        if leaves != self.leaves:
            yield from self.publish(leaves, self.leaves)

    def known(self, examined: Sequence[Heard | Parked]) -> dict[tuple[ServiceName, int], bytes]:
        """Mirrors LogState.hashes."""
        links = [item.event.link for item in examined if isinstance(item, Heard)]
        found = {
            (link.service, link.sequence): self.database.get(
                "log_leaf", (link.service, link.partition, link.sequence)
            )
            for link in links
        }
        return {place: hash_ for place, hash_ in found.items() if hash_ is not None}

    def decide(
        self,
        taken: Sequence[Taken],
        leaves: tuple[bytes, ...],
        offsets: Mapping[int, int],
        chains: Chains,
    ) -> Steps:
        """Mirrors LogState.decide: one transaction, fenced."""
        yield from self._statement()
        with self.database.transaction(self.name) as transaction:
            yield from transaction.statement()
            if leaves != self.leaves:
                decided = transaction.get("log", "leaves", ())
                if decided != self.leaves or transaction.get("log", "published", 0) != len(decided):
                    raise Fenced(f"{self.name}: another has decided on other leaves")
                transaction.put("log", "leaves", leaves)
            for heard in (heard for one in taken for heard in one.leaves):
                link = heard.event.link
                place = (link.service, link.partition, link.sequence)
                transaction.insert("log_leaf", place, heard.event.hash)
                transaction.put("log_chain", place[:2], Head(link.sequence, heard.event.hash))
            self.move_offsets(transaction, offsets)
            for number, waiting in chains.waiting.items():
                transaction.put("log_waiting", number, waiting)
            transaction.put("log", "holes", tuple(chains.holes.values()))
            parked = [item for one in taken for item in one.parked]
            self.park(
                transaction, [item.record for item in parked if item.reason is ParkReason.UNTRUSTED]
            )
            yield from self.fence(transaction)
            yield from transaction.commit()

    def move_offsets(self, transaction: Transaction, offsets: Mapping[int, int]) -> None:
        for number, offset in offsets.items():
            transaction.put("log_offset", number, offset)

    def fence(self, transaction: Transaction) -> Steps:
        """Mirrors LogState._fenced."""
        yield from transaction.lock(["log_state"])
        if transaction.get("log", "epoch") != self.epoch:
            raise Fenced(f"{self.name}: another has taken over")

    def publish(self, leaves: tuple[bytes, ...], before: Sequence[bytes]) -> Steps:
        """Mirrors Sealing.publish: files, checkpoint, note."""
        yield self.world.delay(0.01)
        if self.store.shown != leaves:
            self.store.replace(before, leaves)
        yield from self._statement()
        with self.database.transaction(self.name) as transaction:
            yield from transaction.statement()
            if len(transaction.get("log", "leaves", ())) == len(leaves):
                transaction.put("log", "published", len(leaves))
            yield from self.fence(transaction)
            yield from transaction.commit()
        self.leaves = leaves
