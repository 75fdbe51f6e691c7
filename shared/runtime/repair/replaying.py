"""Tries parked messages again, at an operator's word."""

from collections.abc import Sequence

import asyncpg
from asyncpg.pool import Pool

from shared.contract.envelope import Event, read
from shared.runtime.hear.messages import record_from
from shared.runtime.hear.parking import settle_reaction
from shared.runtime.hear.reactions import Reactions
from shared.runtime.hear.receiver import Receiver
from shared.runtime.say.tables import lock_chains


async def replay_parked(
    pool: "Pool[asyncpg.Record]", receiver: Receiver, ids: Sequence[int]
) -> list[str]:
    """Gives parked messages to the receiver again, as if they had just arrived. A line for each
    says whether it is resolved now."""
    lines = []
    for parked_id in ids:
        row = await pool.fetchrow("SELECT * FROM parked WHERE parked_id = $1", parked_id)
        if row is None:
            lines.append(f"{parked_id}: there is no such parked message")
        elif row["resolved_at"] is not None:
            lines.append(f"{parked_id}: already resolved ({row['resolution']})")
        else:
            await _replay(receiver, row)
            after = await pool.fetchrow(
                "SELECT reason, detail, resolution FROM parked WHERE parked_id = $1", parked_id
            )
            assert after is not None
            waiting = f"still parked, {after['reason']}: {after['detail']}"
            lines.append(f"{parked_id}: {after['resolution'] or waiting}")
    return lines


async def _replay(receiver: Receiver, row: asyncpg.Record) -> None:
    if row["reason"] == "reaction":
        await _react_again(receiver, row["parked_id"], read(row["value"]))
    elif row["reason"] != "projection":
        await receiver.hear(row["partition"], [record_from(row)])


async def _react_again(receiver: Receiver, parked_id: int, event: Event) -> None:
    async with receiver.pool.acquire() as connection, connection.transaction():
        # The chains first, as in every transaction that says something.
        await lock_chains(connection, partitions=[event.link.partition])
        said = await Reactions(receiver.ledger).to(connection, event)
        await settle_reaction(connection, parked_id, said)
    receiver.ledger.writer.committed(said)
