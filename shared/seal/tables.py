"""What the sealer keeps in its own database: the decided log, the chains in it, offsets, what
waits, what is parked.

Every write is one transaction that first checks the epoch: whoever has been replaced changes
nothing any more."""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from shared.chain.link import Head
from shared.chain.trust import Trust
from shared.contract.catalogue.system import (
    ChainHoleRecorded,
    KeyRotated,
    MessageParkedRecorded,
    SystemRecord,
)
from shared.contract.decision import Actor, Context
from shared.contract.envelope import Event, read
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, Known, Parked, ParkReason, Record, examine
from shared.runtime.hear.messages import headers_of, record_from
from shared.runtime.process.database import Connection
from shared.runtime.process.lease import Fenced
from shared.runtime.say.ledger import Ledger
from shared.seal.decide import Chain, Chains, Hole, Sealed, Taken

RECORD_AT_ONCE: Final = 100
PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Decided:
    """The tree that is decided, the one that is published, and the leaves between them."""

    tree: Sealed
    published: Sealed
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
    async def _fenced(self) -> AsyncIterator[Connection]:
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
            Sealed(row["size"], row["root"]),
            Sealed(row["published_size"], row["published_root"]),
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
            async with self._fenced() as connection:
                await self._release(
                    connection, [item.event for item in refused if item.event is not None]
                )
                await self._park(connection, refused, now)
        return Chains(
            {
                (ServiceName(row["service"]), row["partition"]): Head(row["sequence"], row["hash"])
                for row in heads
            },
            {partition: tuple(items) for partition, items in waiting.items()},
            {hole.chain: hole for hole in await holes(self._connection)},
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
        before: Sealed,
        after: Sealed,
        offsets: Mapping[int, int],
        now: datetime,
    ) -> None:
        """The one decision: these are the next leaves. Raises Fenced when another has decided
        since."""
        leaves = [heard for one in taken for heard in one.leaves]
        async with self._fenced() as connection:
            if leaves:
                await self._grow(connection, leaves, before, after)
                await self._add_leaves(connection, before.size, leaves)
            await self._move_offsets(connection, offsets)
            await self._hold(connection, taken)
            await self._park(connection, [parked for one in taken for parked in one.parked], now)
            await self._holes(connection, taken, now)

    @contextlib.asynccontextmanager
    async def adopting(
        self, shown: Sealed, now: datetime
    ) -> AsyncIterator[Callable[[int, Sequence[Heard]], Awaitable[None]]]:
        """Takes over a log that is published already. Leaves are added in their order, from which
        one on and which; one transaction holds them all, so that there is no half of it to
        resume."""
        async with self._fenced() as connection:

            async def add(first: int, leaves: Sequence[Heard]) -> None:
                await self._add_leaves(connection, first, leaves)

            yield add
            await connection.execute(
                "UPDATE log_state SET size = $1, root = $2, published_size = $1, published_root = $2, published_at = $3",
                shown.size,
                shown.root,
                now,
            )

    async def _grow(
        self, connection: Connection, leaves: Sequence[Heard], before: Sealed, after: Sealed
    ) -> None:
        status = await connection.execute(
            """UPDATE log_state SET size = $1, root = $2, entries = $3, signatures = $4
               WHERE size = $5 AND root = $6 AND published_size = $5""",
            after.size,
            after.root,
            [heard.event.envelope for heard in leaves],
            [heard.record.signature for heard in leaves],
            before.size,
            before.root,
        )
        if status != "UPDATE 1":
            raise Fenced("another sealer has decided on other leaves")

    async def _add_leaves(
        self, connection: Connection, first: int, leaves: Sequence[Heard]
    ) -> None:
        links = [(heard.event.link, heard.event.hash) for heard in leaves]
        await connection.copy_records_to_table(
            "log_leaf",
            records=[
                (leaf, link.service.value, link.partition, link.sequence, hash_)
                for leaf, (link, hash_) in enumerate(links, first)
            ],
            columns=["leaf", "service", "partition", "sequence", "hash"],
        )
        await connection.executemany(
            "INSERT INTO log_rotation (service, partition, sequence, envelope) VALUES ($1, $2, $3, $4)",
            [
                (
                    heard.event.service.value,
                    heard.record.partition,
                    heard.event.link.sequence,
                    heard.event.envelope,
                )
                for heard in leaves
                if isinstance(heard.event.data, KeyRotated)
            ],
        )
        heads = {(link.service, link.partition): (link.sequence, hash_) for link, hash_ in links}
        await connection.executemany(
            "UPDATE log_chain SET sequence = $3, hash = $4 WHERE service = $1 AND partition = $2",
            [(service.value, partition, *head) for (service, partition), head in heads.items()],
        )

    async def _move_offsets(self, connection: Connection, offsets: Mapping[int, int]) -> None:
        await connection.executemany(
            "UPDATE log_offset SET next_offset = $2 WHERE partition = $1", sorted(offsets.items())
        )

    async def _hold(self, connection: Connection, taken: Sequence[Taken]) -> None:
        await self._release(connection, [item.event for one in taken for item in one.released])
        held = [item for one in taken for item in one.held]
        await connection.executemany(
            """INSERT INTO log_waiting (partition, kafka_offset, service, sequence, message_key, value, headers)
               VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            [
                (
                    item.record.partition,
                    item.record.offset,
                    item.event.service.value,
                    item.event.link.sequence,
                    item.record.key,
                    item.record.value,
                    headers_of(item.record),
                )
                for item in held
            ],
        )

    async def _release(self, connection: Connection, events: Sequence[Event]) -> None:
        await connection.executemany(
            "DELETE FROM log_waiting WHERE service = $1 AND partition = $2 AND sequence = $3",
            [(event.service.value, event.link.partition, event.link.sequence) for event in events],
        )

    async def _park(self, connection: Connection, parked: Sequence[Parked], now: datetime) -> None:
        await connection.executemany(
            """INSERT INTO log_parked (partition, kafka_offset, reason, detail, value_sha256, service, sequence, parked_at,
                                       message_key, value, headers)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING""",
            [
                (
                    item.record.partition,
                    item.record.offset,
                    item.reason.value,
                    item.detail.replace("\x00", "�"),
                    sha256(item.record.value).digest(),
                    item.event.service.value if item.event else None,
                    item.event.link.sequence if item.event else None,
                    now,
                    item.record.key,
                    item.record.value if item.reason is ParkReason.UNTRUSTED else None,
                    headers_of(item.record),
                )
                for item in parked
            ],
        )

    async def _holes(self, connection: Connection, taken: Sequence[Taken], now: datetime) -> None:
        await connection.executemany(
            "UPDATE log_hole SET filled_at = $4 WHERE service = $1 AND partition = $2 AND sequence = $3",
            [
                (hole.service.value, hole.partition, hole.sequence, now)
                for one in taken
                for hole in one.filled
            ],
        )
        await connection.executemany(
            """INSERT INTO log_hole (service, partition, sequence, since) VALUES ($1, $2, $3, $4)
               ON CONFLICT (service, partition, sequence) DO UPDATE SET filled_at = NULL""",
            [
                (hole.service.value, hole.partition, hole.sequence, hole.since)
                for one in taken
                for hole in one.opened
            ],
        )

    async def published(self, sealed: Sealed, now: datetime) -> None:
        async with self._fenced() as connection:
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
        async with self._fenced() as connection:
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

    async def record(
        self, ledger: Ledger[Any, Any], overdue: Sequence[Hole], context: Context
    ) -> int:
        """Says what is overdue and what is parked, and notes that it is said, in one transaction:
        once each. How many it said."""
        async with self._fenced() as connection:
            parked = await connection.fetch(
                """SELECT parked_id, partition, kafka_offset, reason, value_sha256, service, sequence FROM log_parked
                   WHERE recorded_at IS NULL ORDER BY parked_id LIMIT $1""",
                RECORD_AT_ONCE,
            )
            words: dict[int, list[SystemRecord]] = defaultdict(list)
            for hole in overdue:
                words[hole.partition].append(
                    ChainHoleRecorded(chain=hole.service, missing=hole.sequence, since=hole.since)
                )
            for row in parked:
                words[row["partition"]].append(
                    MessageParkedRecorded(
                        offset=row["kafka_offset"],
                        reason=row["reason"],
                        value_sha256=row["value_sha256"].hex(),
                        chain=row["service"],
                        sequence=row["sequence"],
                    )
                )
            await ledger.say_of_the_record(connection, words, context)
            await connection.execute(
                "UPDATE log_parked SET recorded_at = $2 WHERE parked_id = ANY($1)",
                [row["parked_id"] for row in parked],
                context.now,
            )
            await connection.executemany(
                "UPDATE log_hole SET recorded_at = $4 WHERE service = $1 AND partition = $2 AND sequence = $3",
                [
                    (hole.service.value, hole.partition, hole.sequence, context.now)
                    for hole in overdue
                ],
            )
        if words:
            ledger.appended.set()
        return sum(map(len, words.values()))


async def holes(connection: Connection) -> list[Hole]:
    """Those that are open, the oldest first."""
    rows = await connection.fetch("SELECT * FROM log_hole WHERE filled_at IS NULL ORDER BY since")
    return [
        Hole(
            ServiceName(row["service"]),
            row["partition"],
            row["sequence"],
            row["since"],
            recorded=row["recorded_at"] is not None,
        )
        for row in rows
    ]


async def about(connection: Connection) -> dict[str, Any]:
    """What readiness shows of the log."""
    row = await connection.fetchrow(
        "SELECT size, published_size, published_at, witnessed_size FROM log_state"
    )
    assert row is not None
    witnesses = await connection.fetch(
        "SELECT name, size, answered_at, problem FROM log_witness ORDER BY name"
    )
    return {
        "size": row["published_size"],
        "deciding": row["size"] - row["published_size"],
        "published_at": row["published_at"].isoformat() if row["published_at"] else None,
        "witnessed_size": row["witnessed_size"],
        "holes": [
            {
                "chain": f"{hole.service}/{hole.partition}",
                "missing": hole.sequence,
                "since": hole.since.isoformat(),
                "recorded": hole.recorded,
            }
            for hole in await holes(connection)
        ],
        "waiting": await connection.fetchval("SELECT count(*) FROM log_waiting"),
        "parked": await connection.fetchval(
            """SELECT count(*) FROM log_parked WHERE value IS NULL OR NOT EXISTS (
                   SELECT FROM log_leaf WHERE log_leaf.service = log_parked.service AND log_leaf.partition = log_parked.partition
                   AND log_leaf.sequence = log_parked.sequence AND log_leaf.hash = sha256('\\x00'::bytea || value))"""
        ),
        "witnesses": [
            {
                "name": one["name"],
                "size": one["size"],
                "answered_at": one["answered_at"].isoformat() if one["answered_at"] else None,
                "problem": one["problem"],
            }
            for one in witnesses
        ],
    }


def recorded(chains: Chains, said: Sequence[Hole]) -> Chains:
    """The same, with these holes as said."""
    return replace(
        chains,
        holes={**chains.holes, **{hole.chain: replace(hole, recorded=True) for hole in said}},
    )


def by_the_sealer(now: datetime) -> Context:
    return Context(now, Actor.service(ServiceName.REVIEW))
