"""What is written to and read from the ledger's tables within a transaction; the tables are those
of `migrations`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from shared.chain.link import Head
from shared.chain.trust import Trust
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import Event, read
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.database import Connection, Row
from shared.runtime.process.lease import Fenced
from shared.runtime.say.plan import IncidentHead, Proposal, Signed, Turn

KEYS: Final = "idempotency_pkey"
"""The constraint that a taken idempotency key violates."""


async def lock_chains(
    connection: Connection,
    *,
    services: Iterable[ServiceName] = ServiceName,
    partitions: Iterable[int] = range(PARTITIONS),
) -> Sequence[Row]:
    """Locks chains until the transaction ends; gives their rows, by service and partition.

    Nothing else in the source locks a row of `chain`: two transactions that lock in one order never
    wait for each other. The function `say_next` in the database locks the chains of one service, by
    partition, which is the same order."""
    return await connection.fetch(
        """SELECT service, partition, sequence, hash, rotated FROM chain
           WHERE service = ANY($1) AND partition = ANY($2)
           ORDER BY service, partition FOR UPDATE""",
        [service.value for service in services],
        list(partitions),
    )


async def chains_of(connection: Connection, service: ServiceName) -> Sequence[Row]:
    """The rows of a service's own chains, as of one moment, unlocked."""
    return await connection.fetch(
        "SELECT service, partition, sequence, hash, rotated FROM chain WHERE service = $1",
        service.value,
    )


def heads_of(chains: Iterable[Row]) -> dict[int, Head]:
    """The heads of one service's chains, by partition."""
    return {row["partition"]: Head(row["sequence"], row["hash"]) for row in chains}


SAY_NEXT: Final = f"SELECT say_next({', '.join(f'${number}' for number in range(1, 21))})"


async def say_next(
    connection: Connection,
    turn: Turn,
    heads: Mapping[int, Head],
    accepted: Sequence[tuple[Proposal, tuple[Signed, ...]]],
) -> bool:
    """Writes a turn that was planned on these heads; False, and nothing is written, when one of
    them has moved."""
    events = [row.recorded.event for row in turn.rows]
    keys = [
        (proposal.idempotency, signed[0].recorded.event, len(signed))
        for proposal, signed in accepted
        if proposal.idempotency is not None
    ]
    return bool(
        await connection.fetchval(
            SAY_NEXT,
            list(turn.heads),
            [heads[partition].sequence for partition in turn.heads],
            [heads[partition].hash for partition in turn.heads],
            [head.sequence for head in turn.heads.values()],
            [head.hash for head in turn.heads.values()],
            [event.link.partition for event in events],
            [event.link.sequence for event in events],
            [event.id for event in events],
            [event.incident_id for event in events],
            [row.recorded.version for row in turn.rows],
            [event.type for event in events],
            [event.envelope for event in events],
            [row.signature for row in turn.rows],
            [event.hash for event in events],
            [key.key for key, _, _ in keys],
            [key.digest for key, _, _ in keys],
            [first.incident_id for _, first, _ in keys],
            [first.link.partition for _, first, _ in keys],
            [first.link.sequence for _, first, _ in keys],
            [count for _, _, count in keys],
        )
    )


class Stretch(NamedTuple):
    """What was read of a partition: from the offset to which it had been heard, to where to go on.
    The second is the smaller one when the topic had lost so much of its end that all is read
    again."""

    start: int
    end: int


async def heard_to(connection: Connection, partition: int, stretch: Stretch) -> None:
    """Moves the offset, from where the stretch began only: whoever was paused, and has been
    replaced, or set back with the topic, would skip what he has not read. Raises Fenced."""
    status = await connection.execute(
        "UPDATE heard_offset SET next_offset = $3 WHERE partition = $1 AND next_offset = $2",
        partition,
        *stretch,
    )
    _refuse_unless(status == "UPDATE 1", partition)


async def set_back(connection: Connection) -> None:
    """For a topic that is another one, or whose end is: all is to be relayed again, and all of the
    topic heard, and sealed, again; what is known is dropped. The epochs move with the cursors, so
    that who has a round on its way cannot move them forward again; a heard offset is fenced by
    itself. Ends with the caller's transaction."""
    await connection.execute("UPDATE relay_lease SET epoch = epoch + 1")
    await connection.execute("UPDATE relay_cursor SET sequence = 0")
    await connection.execute("UPDATE heard_offset SET next_offset = 0")
    if await connection.fetchval("SELECT to_regclass('log_offset') IS NOT NULL"):
        await connection.execute(
            "SELECT FROM log_offset ORDER BY partition FOR UPDATE"
        )  # as the sealer takes them
        await connection.execute("UPDATE log_offset SET next_offset = 0")
        await connection.execute("UPDATE log_state SET epoch = epoch + 1")


def _refuse_unless(moved: bool, partition: int) -> None:
    if not moved:
        raise Fenced(
            f"another replica hears partition {partition} now, or it is to be heard from elsewhere"
        )


RECORD: Final = """
    WITH moved AS (
        UPDATE heard_offset SET next_offset = $21 WHERE partition = $19 AND next_offset = $20 RETURNING partition
    ), new AS (
        INSERT INTO ledger (service, partition, sequence, event_id, incident_id, version, type, envelope, signature, hash, kafka_offset)
        SELECT * FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[],
                             $8::bytea[], $9::bytea[], $10::bytea[], $11::bigint[])
    ), heads AS (
        UPDATE chain SET sequence = head.sequence, hash = head.hash
        FROM unnest($12::text[], $13::smallint[], $14::bigint[], $15::bytea[]) AS head (service, partition, sequence, hash)
        WHERE chain.service = head.service AND chain.partition = head.partition
    ), incidents AS (
        INSERT INTO incident_head (incident_id, version, said_hash)
        SELECT * FROM unnest($16::uuid[], $17::bigint[], $18::bytea[])
        ON CONFLICT (incident_id) DO UPDATE SET version = excluded.version, said_hash = excluded.said_hash
    )
    SELECT count(*) FROM moved"""
"""One statement, because each costs a round trip while the lanes are locked."""


async def record(
    connection: Connection,
    rows: Sequence[Signed],
    offsets: Sequence[int | None],
    heads: Mapping[tuple[ServiceName, int], Head],
    incidents: Mapping[UUID, IncidentHead],
    partition: int,
    stretch: Stretch | None,
) -> None:
    """Adds rows to the ledger and moves the heads of their chains and incidents. `offsets` are the
    rows' Kafka offsets, None for what the service says itself; `stretch` is what was read of the
    partition, None for what is heard again. Raises Fenced as `heard_to`."""
    events = [row.recorded.event for row in rows]
    moved = await connection.fetchval(
        RECORD,
        [event.link.service for event in events],
        [event.link.partition for event in events],
        [event.link.sequence for event in events],
        [event.id for event in events],
        [event.incident_id for event in events],
        [row.recorded.version for row in rows],
        [event.type for event in events],
        [event.envelope for event in events],
        [row.signature for row in rows],
        [event.hash for event in events],
        offsets,
        [service for service, _ in heads],
        [partition for _, partition in heads],
        [head.sequence for head in heads.values()],
        [head.hash for head in heads.values()],
        list(incidents),
        [head.version for head in incidents.values()],
        [head.said_hash for head in incidents.values()],
        partition,
        *(stretch or (None, None)),
    )
    _refuse_unless(bool(moved) or stretch is None, partition)


async def incident_heads(
    connection: Connection, incidents: Iterable[UUID]
) -> dict[UUID, IncidentHead]:
    """Of those that anything is known of."""
    rows = await connection.fetch(
        "SELECT incident_id, version, said_hash FROM incident_head WHERE incident_id = ANY($1)",
        list(incidents),
    )
    return {row["incident_id"]: IncidentHead(row["version"], row["said_hash"]) for row in rows}


async def rotations(connection: Connection, trust: Trust, chains: Iterable[Row]) -> list[Event]:
    """The changes of key on these rows of `chain` that `trust` has not learned yet, as this ledger
    holds them."""
    behind = [
        row
        for row in chains
        if row["rotated"] > trust.rotated(ServiceName(row["service"]), row["partition"])
    ]
    if not behind:
        return []
    rows = await connection.fetch(
        """SELECT envelope FROM ledger WHERE type = 'incident.key_rotated.v1'
           AND (service, partition) IN (SELECT * FROM unnest($1::text[], $2::smallint[])) ORDER BY service, partition, sequence""",
        [row["service"] for row in behind],
        [row["partition"] for row in behind],
    )
    return [read(row["envelope"]) for row in rows]


async def learn_rotations(connection: Connection, trust: Trust, chains: Iterable[Row]) -> None:
    """Lets `trust` learn the changes of key on these rows of `chain`."""
    for event in await rotations(connection, trust, chains):
        trust.learn(event)


async def mark_rotations(connection: Connection, events: Iterable[Event]) -> None:
    """Notes changes of key on their chains' rows, for everybody who locks them next."""
    for event in events:
        if isinstance(event.data, KeyRotated):
            await connection.execute(
                "UPDATE chain SET rotated = $3 WHERE service = $1 AND partition = $2",
                event.link.service.value,
                event.link.partition,
                event.link.sequence,
            )
