"""The sealer's own database: the decided log, the chains in it, offsets, and the events that wait
or are parked.

Every write is one transaction that checks the epoch, so that a sealer that has been replaced
changes nothing any more."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.runtime.hear.judge import Heard, Known, Parked, Record
from shared.runtime.process.database import Connection
from shared.runtime.process.lease import Fenced
from shared.seal import rows
from shared.seal.decide import Chains, Taken
from shared.seal.growth import TreeHead


@dataclass(frozen=True, slots=True)
class Decided:
    """The decided tree, the published one, and the leaves between them with their signatures."""

    tree: TreeHead
    published: TreeHead
    entries: Sequence[bytes]
    signatures: Sequence[bytes]


class LogState:
    """The log's tables, through the connection that holds the lease."""

    def __init__(self, connection: Connection, epoch: int) -> None:
        self.connection = connection
        self._epoch = epoch

    @classmethod
    async def take_over(cls, connection: Connection) -> "LogState":
        """Begins an epoch: every earlier sealer is refused from here on."""
        return cls(
            connection,
            await connection.fetchval("UPDATE log_state SET epoch = epoch + 1 RETURNING epoch"),
        )

    @contextlib.asynccontextmanager
    async def fenced(self) -> AsyncIterator[Connection]:
        """A transaction of the current epoch. Raises Fenced."""
        async with self.connection.transaction():
            yield self.connection
            # Last, so that the row is locked for a moment only. If the epoch has passed, all
            # before it is rolled back.
            if (
                await self.connection.fetchval("SELECT epoch FROM log_state FOR UPDATE")
                != self._epoch
            ):
                raise Fenced("another sealer has taken over")

    async def look(self) -> None:
        """Raises Fenced when the epoch has passed, which an idle sealer would otherwise not
        notice."""
        if await self.connection.fetchval("SELECT epoch FROM log_state") != self._epoch:
            raise Fenced(
                "another sealer has taken over, or the log is to be read from the beginning"
            )

    async def decided(self) -> Decided:
        row = await self.connection.fetchrow("SELECT * FROM log_state")
        assert row is not None
        return Decided(
            TreeHead(row["size"], row["root"]),
            TreeHead(row["published_size"], row["published_root"]),
            row["entries"] or (),
            row["signatures"] or (),
        )

    async def offsets(self) -> dict[int, int]:
        rows = await self.connection.fetch("SELECT partition, next_offset FROM log_offset")
        return {row["partition"]: row["next_offset"] for row in rows}

    async def untrusted(self, after: int) -> tuple[int, list[Record]]:
        """See `rows.untrusted`."""
        return await rows.untrusted(self.connection, after)

    async def hashes(
        self, partition: int, examined: Sequence[Heard | Parked], chains: Chains
    ) -> Known:
        """See `rows.leaf_hashes`."""
        return await rows.leaf_hashes(self.connection, partition, examined, chains)

    async def decide(
        self,
        taken: Sequence[Taken],
        before: TreeHead,
        after: TreeHead,
        offsets: Mapping[int, int],
        now: datetime,
    ) -> None:
        """Makes these the next leaves, once and for all. Raises Fenced when another sealer has
        decided since."""
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
        """Takes over a log that is published already. The function that it gives adds leaves in
        order: the index of the first, and the events. One transaction holds them all, so that
        there is never half a log to resume from."""
        async with self.fenced() as connection:

            async def add(first: int, leaves: Sequence[Heard]) -> None:
                await rows.add_leaves(connection, first, leaves)

            yield add
            await connection.execute(
                """UPDATE log_state SET size = $1, root = $2, published_size = $1,
                       published_root = $2, published_at = $3""",
                shown.size,
                shown.root,
                now,
            )

    async def published(self, sealed: TreeHead, now: datetime) -> None:
        async with self.fenced() as connection:
            await connection.execute(
                """UPDATE log_state SET published_size = $1, published_root = $2,
                       published_at = $3, entries = NULL, signatures = NULL
                   WHERE size = $1""",
                sealed.size,
                sealed.root,
                now,
            )

    async def witnessed(
        self, size: int | None, answers: Sequence[tuple[str, int | None, str | None]], now: datetime
    ) -> None:
        """Keeps the size that a quorum cosigned, if one did, and for each witness of the policy its
        name, the size it is known to have cosigned, and its problem."""
        async with self.fenced() as connection:
            await connection.execute(
                "UPDATE log_state SET witnessed_size = greatest(witnessed_size, $1::bigint)", size
            )
            await connection.execute(
                "DELETE FROM log_witness WHERE name <> ALL($1::text[])",
                [name for name, _, _ in answers],
            )
            await connection.executemany(
                """INSERT INTO log_witness (name, size, problem, answered_at)
                   VALUES ($1, $2, $3, $4)
                   ON CONFLICT (name) DO UPDATE SET
                       size = coalesce(excluded.size, log_witness.size),
                       problem = excluded.problem,
                       answered_at = CASE WHEN excluded.problem IS NULL
                           THEN excluded.answered_at ELSE log_witness.answered_at END""",
                [
                    (name, known, problem, now if problem is None else None)
                    for name, known, problem in answers
                ],
            )
