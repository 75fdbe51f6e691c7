"""What the sealer keeps in its own database: the decided log, the chains in it, offsets, what
waits, what is parked.

Every write is one transaction that first checks the epoch: whoever has been replaced changes
nothing any more."""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.chain.link import Head
from shared.chain.trust import Trust
from shared.contract.envelope import read
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, Known, Parked, Record, examine
from shared.runtime.hear.messages import record_from
from shared.runtime.process.database import Connection
from shared.runtime.process.lease import Fenced
from shared.seal import rows
from shared.seal.decide import Chain, Chains, Taken
from shared.seal.growth import TreeHead

RECORD_AT_ONCE: Final = 100
PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Decided:
    """The tree that is decided, the one that is published, and the leaves between them."""

    tree: TreeHead
    published: TreeHead
    entries: Sequence[bytes]
    signatures: Sequence[bytes]


class LogState:
    """The log's tables, through the connection that holds the lease."""

    def __init__(self, connection: Connection, epoch: int) -> None:
        self._connection = connection
        self._epoch = epoch

    @classmethod
    async def take_over(cls, connection: Connection) -> "LogState":
        """From here on, whoever wrote before is refused."""
        return cls(
            connection,
            await connection.fetchval("UPDATE log_state SET epoch = epoch + 1 RETURNING epoch"),
        )

    @contextlib.asynccontextmanager
    async def fenced(self) -> AsyncIterator[Connection]:
        """A transaction of the current epoch. Raises Fenced."""
        async with self._connection.transaction():
            yield self._connection
            # Last, so that the row is locked for a moment only; what came before it is undone when
            # the epoch has passed.
            if (
                await self._connection.fetchval("SELECT epoch FROM log_state FOR UPDATE")
                != self._epoch
            ):
                raise Fenced("another sealer has taken over")

    async def look(self) -> None:
        """Raises Fenced when the epoch has passed: whoever has nothing to write would not learn of
        it."""
        if await self._connection.fetchval("SELECT epoch FROM log_state") != self._epoch:
            raise Fenced(
                "another sealer has taken over, or the log is to be read from the beginning"
            )

    async def decided(self) -> Decided:
        row = await self._connection.fetchrow("SELECT * FROM log_state")
        assert row is not None
        return Decided(
            TreeHead(row["size"], row["root"]),
            TreeHead(row["published_size"], row["published_root"]),
            row["entries"] or (),
            row["signatures"] or (),
        )

    async def offsets(self) -> dict[int, int]:
        rows = await self._connection.fetch("SELECT partition, next_offset FROM log_offset")
        return {row["partition"]: row["next_offset"] for row in rows}

    async def chains(self, trust: Trust, now: datetime) -> Chains:
        """As they were left. What waits and is not trusted any more is parked: the trust file may
        have become shorter."""
        heads = await self._connection.fetch(
            "SELECT service, partition, sequence, hash FROM log_chain"
        )
        waiting: dict[int, list[Heard]] = defaultdict(list)
        refused: list[Parked] = []
        for row in await self._connection.fetch(
            "SELECT * FROM log_waiting ORDER BY partition, kafka_offset"
        ):
            item = examine(record_from(row), trust)
            if isinstance(item, Heard):
                waiting[row["partition"]].append(item)
            else:
                refused.append(item)
        if refused:
            async with self.fenced() as connection:
                await rows.release(
                    connection, [item.event for item in refused if item.event is not None]
                )
                await rows.park(connection, refused, now)
        return Chains(
            {
                (ServiceName(row["service"]), row["partition"]): Head(row["sequence"], row["hash"])
                for row in heads
            },
            {partition: tuple(items) for partition, items in waiting.items()},
            {hole.chain: hole for hole in await rows.holes(self._connection)},
        )

    async def trust(self, trust: Trust) -> Trust:
        """With the keys that the sealed part of the chains names."""
        rows = await self._connection.fetch(
            "SELECT envelope FROM log_rotation ORDER BY service, partition, sequence"
        )
        return trust.after(*(read(row["envelope"]) for row in rows))

    async def untrusted(self, after: int) -> tuple[int, list[Record]]:
        """A page of what was parked as untrusted and is no leaf: how far it goes, and the messages,
        oldest first."""
        rows = await self._connection.fetch(
            """SELECT parked_id, partition, kafka_offset, message_key, value, headers
               FROM log_parked JOIN log_chain USING (service, partition)
               WHERE reason = 'untrusted' AND value IS NOT NULL AND log_parked.sequence > log_chain.sequence AND parked_id > $1
               ORDER BY parked_id LIMIT $2""",
            after,
            PAGE,
        )
        return (rows[-1]["parked_id"] if rows else after), [record_from(row) for row in rows]

    async def hashes(
        self, partition: int, examined: Sequence[Heard | Parked], heads: Mapping[Chain, Head]
    ) -> Known:
        """The hashes of the leaves whose numbers come again."""
        repeated = [
            (item.event.service.value, item.event.link.sequence)
            for item in examined
            if isinstance(item, Heard)
            and item.event.link.sequence <= heads[item.event.service, partition].sequence
        ]
        if not repeated:
            return {}
        rows = await self._connection.fetch(
            """SELECT service, sequence, hash FROM log_leaf WHERE partition = $1
               AND (service, sequence) IN (SELECT * FROM unnest($2::text[], $3::bigint[]))""",
            partition,
            [service for service, _ in repeated],
            [sequence for _, sequence in repeated],
        )
        return {(ServiceName(row["service"]), row["sequence"]): row["hash"] for row in rows}

    async def decide(
        self,
        taken: Sequence[Taken],
        before: TreeHead,
        after: TreeHead,
        offsets: Mapping[int, int],
        now: datetime,
    ) -> None:
        """The one decision: these are the next leaves. Raises Fenced when another has decided
        since."""
        leaves = [heard for one in taken for heard in one.leaves]
        async with self.fenced() as connection:
            if leaves:
                await rows.grow(connection, leaves, before, after)
                await rows.add_leaves(connection, before.size, leaves)
            await rows.move_offsets(connection, offsets)
            await rows.hold(connection, taken)
            await rows.park(connection, [parked for one in taken for parked in one.parked], now)
            await rows.mark_holes(connection, taken, now)

    @contextlib.asynccontextmanager
    async def adopting(
        self, shown: TreeHead, now: datetime
    ) -> AsyncIterator[Callable[[int, Sequence[Heard]], Awaitable[None]]]:
        """Takes over a log that is published already. Leaves are added in their order, from which
        one on and which; one transaction holds them all, so that there is no half of it to
        resume."""
        async with self.fenced() as connection:

            async def add(first: int, leaves: Sequence[Heard]) -> None:
                await rows.add_leaves(connection, first, leaves)

            yield add
            await connection.execute(
                "UPDATE log_state SET size = $1, root = $2, published_size = $1, published_root = $2, published_at = $3",
                shown.size,
                shown.root,
                now,
            )

    async def published(self, sealed: TreeHead, now: datetime) -> None:
        async with self.fenced() as connection:
            await connection.execute(
                """UPDATE log_state SET published_size = $1, published_root = $2, published_at = $3, entries = NULL, signatures = NULL
                   WHERE size = $1""",
                sealed.size,
                sealed.root,
                now,
            )

    async def witnessed(
        self, size: int | None, answers: Sequence[tuple[str, int | None, str | None]], now: datetime
    ) -> None:
        """What the witnesses of the policy answered: name, the size that each is known to have
        cosigned, what is wrong."""
        async with self.fenced() as connection:
            await connection.execute(
                "UPDATE log_state SET witnessed_size = greatest(witnessed_size, $1::bigint)", size
            )
            await connection.execute(
                "DELETE FROM log_witness WHERE name <> ALL($1::text[])",
                [name for name, _, _ in answers],
            )
            await connection.executemany(
                """INSERT INTO log_witness (name, size, problem, answered_at) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (name) DO UPDATE SET size = coalesce(excluded.size, log_witness.size), problem = excluded.problem,
                       answered_at = CASE WHEN excluded.problem IS NULL THEN excluded.answered_at ELSE log_witness.answered_at END""",
                [
                    (name, known, problem, now if problem is None else None)
                    for name, known, problem in answers
                ],
            )
