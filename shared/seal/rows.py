"""Writes and reads the rows of the log's tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

from shared.contract.catalogue.system import KeyRotated
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, Known, Parked, ParkReason, Record
from shared.runtime.hear.messages import headers_of, record_from
from shared.runtime.process.database import Connection
from shared.runtime.process.lease import Fenced
from shared.seal.decide import Chains, Hole, Taken
from shared.seal.growth import TreeHead

PAGE: Final = 1000


async def grow(
    connection: Connection, leaves: Sequence[Heard], before: TreeHead, after: TreeHead
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


async def add_leaves(connection: Connection, first: int, leaves: Sequence[Heard]) -> None:
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


async def move_offsets(connection: Connection, offsets: Mapping[int, int]) -> None:
    await connection.executemany(
        "UPDATE log_offset SET next_offset = $2 WHERE partition = $1", sorted(offsets.items())
    )


async def hold(connection: Connection, taken: Sequence[Taken]) -> None:
    await release(connection, [item for one in taken for item in one.released])
    held = [item for one in taken for item in one.held]
    await connection.executemany(
        """INSERT INTO log_waiting
               (partition, kafka_offset, service, sequence, message_key, value, headers)
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


async def release(connection: Connection, items: Sequence[Heard | Parked]) -> None:
    """Forgets events that were held back."""
    links = [item.event.link for item in items if item.event is not None]
    await connection.executemany(
        "DELETE FROM log_waiting WHERE service = $1 AND partition = $2 AND sequence = $3",
        [(link.service.value, link.partition, link.sequence) for link in links],
    )


async def waiting(connection: Connection) -> list[Record]:
    """The messages that are held back, in the order of each partition."""
    rows = await connection.fetch("SELECT * FROM log_waiting ORDER BY partition, kafka_offset")
    return [record_from(row) for row in rows]


async def untrusted(connection: Connection, after: int) -> tuple[int, list[Record]]:
    """A page of messages that were parked as untrusted and are not leaves, oldest first, and the id
    of its last: where the next page begins."""
    rows = await connection.fetch(
        """SELECT parked_id, partition, kafka_offset, message_key, value, headers
           FROM log_parked JOIN log_chain USING (service, partition)
           WHERE reason = 'untrusted' AND value IS NOT NULL
           AND log_parked.sequence > log_chain.sequence AND parked_id > $1
           ORDER BY parked_id LIMIT $2""",
        after,
        PAGE,
    )
    return (rows[-1]["parked_id"] if rows else after), [record_from(row) for row in rows]


async def leaf_hashes(
    connection: Connection, partition: int, examined: Sequence[Heard | Parked], chains: Chains
) -> Known:
    """The hashes of the leaves whose numbers this batch repeats."""
    repeated = [
        (item.event.service.value, item.event.link.sequence)
        for item in examined
        if isinstance(item, Heard)
        and item.event.link.sequence <= chains.heads[item.event.service, partition].sequence
    ]
    if not repeated:
        return {}
    rows = await connection.fetch(
        """SELECT service, sequence, hash FROM log_leaf WHERE partition = $1
           AND (service, sequence) IN (SELECT * FROM unnest($2::text[], $3::bigint[]))""",
        partition,
        [service for service, _ in repeated],
        [sequence for _, sequence in repeated],
    )
    return {(ServiceName(row["service"]), row["sequence"]): row["hash"] for row in rows}


async def park(connection: Connection, parked: Sequence[Parked], now: datetime) -> None:
    await connection.executemany(
        """INSERT INTO log_parked (partition, kafka_offset, reason, detail, value_sha256,
                                   service, sequence, parked_at, message_key, value, headers)
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


async def mark_holes(connection: Connection, taken: Sequence[Taken], now: datetime) -> None:
    await connection.executemany(
        """UPDATE log_hole SET filled_at = $4
           WHERE service = $1 AND partition = $2 AND sequence = $3""",
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


async def holes(connection: Connection) -> list[Hole]:
    """The open holes, oldest first."""
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
