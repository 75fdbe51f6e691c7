"""The tables that hearing writes to, within a transaction: the rows of what was heard, and how far
the topic has been heard. `migrations` makes them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from shared.chain.link import Head
from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.database import Connection
from shared.runtime.process.lease import Fenced
from shared.runtime.say.plan import Signed, SubjectHead
from shared.runtime.say.texts import ONCE_MORE, OWN, TELL_AGAIN


class PartitionState(NamedTuple):
    """What is known under the locks of a partition before a batch is judged."""

    waits: bool
    """Whether anything is parked that may still be heard."""
    subjects: Mapping[UUID, SubjectHead]
    """The heads of the subjects that the batch speaks of, where anything is known of them."""


async def look(connection: Connection, partition: int, spoken_of: Iterable[UUID]) -> PartitionState:
    """One statement, because each costs a round trip while the chains are locked."""
    rows = await connection.fetch(
        """SELECT spoken.subject_id, version, said_hash, parked.waits
           FROM (SELECT EXISTS (
               SELECT FROM parked WHERE partition = $1 AND resolved_at IS NULL
               AND reason NOT IN ('projection', 'reaction')
           ) AS waits) AS parked
           LEFT JOIN (unnest($2::uuid[]) AS spoken (subject_id)
                      JOIN subject_head USING (subject_id)) ON true""",
        partition,
        list(spoken_of),
    )
    subjects = {
        row["subject_id"]: SubjectHead(row["version"], row["said_hash"])
        for row in rows
        if row["subject_id"] is not None
    }
    return PartitionState(rows[0]["waits"], subjects)


async def hashes_of(
    connection: Connection, partition: int, repeated: Sequence[Event]
) -> dict[tuple[ServiceName, int], bytes]:
    """The hashes that this ledger holds at the numbers of these events, where it holds any."""
    if not repeated:
        return {}
    rows = await connection.fetch(
        """SELECT service, sequence, hash FROM ledger WHERE partition = $1
           AND (service, sequence) IN (SELECT * FROM unnest($2::text[], $3::bigint[]))""",
        partition,
        [event.service.value for event in repeated],
        [event.link.sequence for event in repeated],
    )
    return {(ServiceName(row["service"]), row["sequence"]): row["hash"] for row in rows}


class Stretch(NamedTuple):
    """What was read of a partition: from the offset to which it had been heard, to where to go on.
    The second is the smaller one when the topic had lost so much of its end that all is read
    again."""

    start: int
    end: int


async def heard_to(connection: Connection, partition: int, stretch: Stretch) -> None:
    """Moves the offset, from where the stretch began only: a replica that was paused and replaced
    meanwhile, or set back with the topic, would skip what nobody has read. Raises Fenced."""
    status = await connection.execute(
        "UPDATE heard_offset SET next_offset = $3 WHERE partition = $1 AND next_offset = $2",
        partition,
        *stretch,
    )
    _refuse_unless(status == "UPDATE 1", partition)


async def set_back(connection: Connection) -> None:
    """For a topic that is another one, or whose end is: all is to be relayed again, and all of the
    topic heard, and sealed, again; what is known is dropped. The epochs move with the cursors, so
    that a round on its way cannot move them forward again; a heard offset is fenced by itself. Ends
    with the caller's transaction."""
    await connection.execute("UPDATE relay_lease SET epoch = epoch + 1")
    await connection.execute("UPDATE relay_cursor SET sequence = 0")
    await connection.execute("UPDATE heard_offset SET next_offset = 0")
    await connection.execute("UPDATE told_offset SET next_offset = 0")
    # Texts are relayed with their events, but not that there are none any more.
    erased = "event_id IN (SELECT event_id FROM erased)"
    await connection.execute(f"{TELL_AGAIN} WHERE {OWN} AND {erased} {ONCE_MORE}")
    await connection.execute(
        """INSERT INTO untold_person (pseudonym)
           SELECT pseudonym FROM person UNION SELECT pseudonym FROM forgotten_person
           ON CONFLICT DO NOTHING"""
    )
    if await connection.fetchval("SELECT to_regclass('log_offset') IS NOT NULL"):
        # In the order in which the sealer takes them.
        await connection.execute("SELECT FROM log_offset ORDER BY partition FOR UPDATE")
        await connection.execute("UPDATE log_offset SET next_offset = 0")
        await connection.execute("UPDATE log_state SET epoch = epoch + 1")


def _refuse_unless(moved: bool, partition: int) -> None:
    if not moved:
        raise Fenced(
            f"another replica hears partition {partition} now, or it is to be heard from elsewhere"
        )


RECORD: Final = """
    WITH moved AS (
        UPDATE heard_offset SET next_offset = $21 WHERE partition = $19 AND next_offset = $20
        RETURNING partition
    ), new AS (
        INSERT INTO ledger (service, partition, sequence, event_id, subject_id, version, type,
                            envelope, signature, hash, kafka_offset)
        SELECT * FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::uuid[], $5::uuid[],
                             $6::bigint[], $7::text[],
                             $8::bytea[], $9::bytea[], $10::bytea[], $11::bigint[])
    ), heads AS (
        UPDATE chain SET sequence = head.sequence, hash = head.hash
        FROM unnest($12::text[], $13::smallint[], $14::bigint[], $15::bytea[])
            AS head (service, partition, sequence, hash)
        WHERE chain.service = head.service AND chain.partition = head.partition
    ), subjects AS (
        INSERT INTO subject_head (subject_id, version, said_hash)
        SELECT * FROM unnest($16::uuid[], $17::bigint[], $18::bytea[])
        ON CONFLICT (subject_id) DO UPDATE
        SET version = excluded.version, said_hash = excluded.said_hash
    )
    SELECT count(*) FROM moved"""
"""One statement, because each costs a round trip while the chains are locked."""


async def record(
    connection: Connection,
    rows: Sequence[Signed],
    offsets: Sequence[int | None],
    heads: Mapping[tuple[ServiceName, int], Head],
    subjects: Mapping[UUID, SubjectHead],
    partition: int,
    stretch: Stretch | None,
) -> None:
    """Adds rows to the ledger and moves the heads of their chains and subjects. `offsets` are the
    rows' Kafka offsets, None for what the service says itself; `stretch` is what was read of the
    partition, None for what is heard again. Raises Fenced as `heard_to`."""
    events = [row.recorded.event for row in rows]
    moved = await connection.fetchval(
        RECORD,
        [event.link.service for event in events],
        [event.link.partition for event in events],
        [event.link.sequence for event in events],
        [event.id for event in events],
        [event.subject_id for event in events],
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
        list(subjects),
        [head.version for head in subjects.values()],
        [head.said_hash for head in subjects.values()],
        partition,
        *(stretch or (None, None)),
    )
    _refuse_unless(bool(moved) or stretch is None, partition)
