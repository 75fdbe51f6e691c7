"""Settles parked messages that can never be heard: forgeries, and bytes that are no envelope.

Two persons answer for it, and the service says so on its chain, so that an auditor who finds such a
message on the topic also finds who looked at it and why it was left."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import asyncpg
from asyncpg.pool import Pool

from shared.contract.catalogue.system import ParkedSettled, SystemRecord
from shared.contract.decision import Actor, Context
from shared.runtime.process import clock
from shared.runtime.process.database import Row
from shared.runtime.repair.settlement import FINAL, CannotSettle, Settlement
from shared.runtime.say.ledger import Ledger
from shared.runtime.say.record import say_of_the_record
from shared.runtime.say.tables import lock_chains


async def settle(
    pool: "Pool[asyncpg.Record]",
    ledger: Ledger[Any, Any],
    parked_ids: Sequence[int],
    settlement: Settlement,
) -> list[str]:
    """Says an event for each of these messages and marks them settled, or none of it. A line for
    each. Raises CannotSettle."""
    async with pool.acquire() as connection, connection.transaction():
        chosen = await connection.fetch(
            "SELECT DISTINCT partition FROM parked WHERE parked_id = ANY($1)", parked_ids
        )
        # The chains first, in the order in which every transaction takes its locks.
        partitions = [row["partition"] for row in chosen]
        await lock_chains(connection, services=[ledger.service], partitions=partitions)
        rows = await connection.fetch(
            """SELECT parked_id, partition, kafka_offset, reason, resolution,
                      encode(sha256(coalesce(value, '')), 'hex') AS value_sha256
               FROM parked WHERE parked_id = ANY($1) ORDER BY parked_id FOR UPDATE""",
            parked_ids,
        )
        _check(ledger.service.value, parked_ids, rows)
        records = defaultdict[int, list[SystemRecord]](list)
        for row in rows:
            records[row["partition"]].append(_record(row, settlement))
        context = Context(clock.now(), Actor.service(ledger.service))
        await say_of_the_record(connection, ledger.writer, records, context)
        await connection.execute(
            """UPDATE parked SET resolved_at = clock_timestamp(), resolution = $2
               WHERE parked_id = ANY($1)""",
            parked_ids,
            f"settled by {settlement.proposed_by} and {settlement.confirmed_by}",
        )
    return [f"{row['parked_id']}: settled" for row in rows]


def _check(service: str, parked_ids: Sequence[int], rows: Sequence[Row]) -> None:
    found = {row["parked_id"] for row in rows}
    if unknown := sorted(set(parked_ids) - found):
        raise CannotSettle(f"{service} has no parked message {', '.join(map(str, unknown))}")
    for row in rows:
        if row["resolution"] is not None:
            raise CannotSettle(
                f"message {row['parked_id']} is settled already: {row['resolution']}"
            )
        if row["reason"] not in FINAL:
            raise CannotSettle(
                f"message {row['parked_id']} waits as {row['reason']}: it is an event of this "
                "ledger; mend what keeps it, then: ledger parked replay"
            )


def _record(row: Row, settlement: Settlement) -> ParkedSettled:
    return ParkedSettled(
        offset=row["kafka_offset"],
        value_sha256=row["value_sha256"],
        parked_as=row["reason"],
        reason=settlement.reason,
        proposed_by=settlement.proposed_by,
        confirmed_by=settlement.confirmed_by,
    )
