"""The tables that saying writes to and plans on, within a transaction: chains and their locks,
heads of subjects, idempotency keys, changes of key. `migrations` makes them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from shared.chain.link import Head
from shared.chain.trust import Trust
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import Event, read
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.database import Connection, Row
from shared.runtime.say.plan import Proposal, Signed, SubjectHead, Turn
from shared.runtime.say.together import Together

KEYS: Final = "idempotency_pkey"
"""The constraint that a taken idempotency key violates."""


class TurnBasis(NamedTuple):
    """What a turn is planned on, as it stands under the locks: the heads of chains by partition and
    of subjects, and the idempotency keys that are taken, with their digests."""

    heads: Mapping[int, Head]
    subjects: Mapping[UUID, SubjectHead]
    taken: Mapping[str, bytes]


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


PARAMETERS: Final = 23
_CALL: Final = f"say_next({', '.join(f'${number + 1}' for number in range(PARAMETERS))})"
SAY_NEXT: Final = f"SELECT {_CALL}"
AT_ONCE: Final = f"SELECT CASE WHEN {_CALL} THEN true ELSE chain_moved() END"
MOVED: Final = "IL001"
"""The SQLSTATE by which `chain_moved` refuses."""

Accepted = Sequence[tuple[Proposal, tuple[Signed, ...]]]


async def say_next(
    connection: Connection, turn: Turn, heads: Mapping[int, Head], accepted: Accepted
) -> bool:
    """Writes a turn that was planned on these heads; False, and nothing is written, when one of
    them has moved."""
    return bool(await connection.fetchval(SAY_NEXT, *_parameters(turn, heads, accepted)))


async def say_at_once(
    connection: Connection,
    turn: Turn,
    heads: Mapping[int, Head],
    accepted: Accepted,
    views: Together,
) -> bool:
    """The same, and its views, in one statement that is a transaction by itself: one round trip.

    What the server refuses is not written. A connection that is lost leaves it unknown."""
    statement = f"WITH {views.parts} {AT_ONCE}" if views.parts else AT_ONCE
    try:
        await connection.fetchval(statement, *_parameters(turn, heads, accepted), *views.args)
    except asyncpg.PostgresError as error:
        if error.sqlstate == MOVED:
            return False
        raise
    return True


def _parameters(turn: Turn, heads: Mapping[int, Head], accepted: Accepted) -> list[Any]:
    events = [row.recorded.event for row in turn.rows]
    keys = [
        (proposal.idempotency, signed[0].recorded.event, len(signed))
        for proposal, signed in accepted
        if proposal.idempotency is not None
    ]
    return [
        list(turn.heads),
        [heads[partition].sequence for partition in turn.heads],
        [heads[partition].hash for partition in turn.heads],
        [head.sequence for head in turn.heads.values()],
        [head.hash for head in turn.heads.values()],
        [event.link.partition for event in events],
        [event.link.sequence for event in events],
        [event.id for event in events],
        [event.subject_id for event in events],
        [row.recorded.version for row in turn.rows],
        [event.type for event in events],
        [event.envelope for event in events],
        [row.signature for row in turn.rows],
        [event.hash for event in events],
        [key.key for key, _, _ in keys],
        [key.digest for key, _, _ in keys],
        [first.subject_id for _, first, _ in keys],
        [first.link.partition for _, first, _ in keys],
        [first.link.sequence for _, first, _ in keys],
        [count for _, _, count in keys],
        *_told(turn.rows),
    ]


def _told(rows: Sequence[Signed]) -> tuple[list[str], list[UUID], list[str]]:
    told = [(one, row.recorded.event.id) for row in rows for one in row.disclosures]
    return (
        [one.digest for one, _ in told],
        [event_id for _, event_id in told],
        [one.text for one, _ in told],
    )


async def subject_heads(
    connection: Connection, subjects: Iterable[UUID]
) -> dict[UUID, SubjectHead]:
    """Of those that anything is known of."""
    rows = await connection.fetch(
        "SELECT subject_id, version, said_hash FROM subject_head WHERE subject_id = ANY($1)",
        list(subjects),
    )
    return {row["subject_id"]: SubjectHead(row["version"], row["said_hash"]) for row in rows}


async def taken_keys(connection: Connection, keys: Sequence[str]) -> dict[str, bytes]:
    """Those of these idempotency keys that are taken, with the digests of what they were taken
    for."""
    if not keys:
        return {}
    rows = await connection.fetch("SELECT key, digest FROM idempotency WHERE key = ANY($1)", keys)
    return {row["key"]: row["digest"] for row in rows}


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
        """SELECT envelope FROM ledger WHERE type = 'ledger.key_rotated.v1'
           AND (service, partition) IN (SELECT * FROM unnest($1::text[], $2::smallint[]))
           ORDER BY service, partition, sequence""",
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
