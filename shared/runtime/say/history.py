"""Reads the ledger: what the service knows of a subject, and what it said under an idempotency
key."""

from typing import NamedTuple
from uuid import UUID

from shared.contract.envelope import read
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.database import Connection, Row
from shared.runtime.say.conflicts import IdempotencyMismatch
from shared.runtime.say.plan import Idempotency, Recorded, Signed


class TextsOf(NamedTuple):
    """The disclosures of one event, as RFC 9901 writes them."""

    version: int
    event_id: UUID
    texts: tuple[str, ...]


async def known_of(
    connection: Connection, subject_id: UUID, after: int = 0, limit: int | None = None
) -> list[Signed]:
    """What was said and heard of a subject: versions above `after`, in their order, at most
    `limit`; None: all."""
    rows = await connection.fetch(
        """SELECT version, envelope, signature FROM ledger
           WHERE subject_id = $1 AND version > $2 ORDER BY version LIMIT $3""",
        subject_id,
        after,
        limit,
    )
    return [_signed(row) for row in rows]


async def texts_of(
    connection: Connection, subject_id: UUID, after: int, limit: int
) -> list[TextsOf]:
    """The texts that are at hand of what was said and heard of a subject: versions above
    `after`, in their order, at most `limit`."""
    rows = await connection.fetch(
        """SELECT version, event_id, ARRAY(
               SELECT content FROM disclosure
               WHERE disclosure.event_id = ledger.event_id ORDER BY digest
           ) AS texts
           FROM ledger
           WHERE subject_id = $1 AND version > $2 ORDER BY version LIMIT $3""",
        subject_id,
        after,
        limit,
    )
    return [TextsOf(row["version"], row["event_id"], tuple(row["texts"])) for row in rows]


async def said_under(
    connection: Connection, service: ServiceName, idempotency: Idempotency
) -> tuple[Signed, ...]:
    """What the service has said under this key; nothing when the key is free.

    Raises IdempotencyMismatch when the key was taken for another request."""
    taken = await connection.fetchrow(
        "SELECT digest, partition, sequence, events FROM idempotency WHERE key = $1",
        idempotency.key,
    )
    if taken is None:
        return ()
    if taken["digest"] != idempotency.digest:
        raise IdempotencyMismatch(idempotency.key)
    rows = await connection.fetch(
        """SELECT version, envelope, signature FROM ledger
           WHERE service = $1 AND partition = $2 AND sequence >= $3 AND sequence < $3 + $4
           ORDER BY sequence""",
        service.value,
        taken["partition"],
        taken["sequence"],
        taken["events"],
    )
    return tuple(_signed(row) for row in rows)


def _signed(row: Row) -> Signed:
    return Signed(Recorded(read(row["envelope"]), row["version"]), row["signature"])
