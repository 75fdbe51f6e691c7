"""Says holes and parked messages as events on the record, each once."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from shared.contract.catalogue.system import ChainHoleRecorded, MessageParkedRecorded, SystemRecord
from shared.contract.decision import Actor, Context
from shared.contract.vocabulary import ServiceName
from shared.runtime.say.record import say_of_the_record
from shared.runtime.say.writer import Writer
from shared.seal.decide import Hole
from shared.seal.state import LogState

RECORD_AT_ONCE: Final = 100


async def record(state: LogState, writer: Writer, overdue: Sequence[Hole], context: Context) -> int:
    """Says the overdue holes and the oldest parked messages, and marks them as recorded in the same
    transaction, so that each is said once. Returns how many were said."""
    async with state.fenced() as connection:
        parked = await connection.fetch(
            """SELECT parked_id, partition, kafka_offset, reason, value_sha256, service, sequence
               FROM log_parked WHERE recorded_at IS NULL ORDER BY parked_id LIMIT $1""",
            RECORD_AT_ONCE,
        )
        records: dict[int, list[SystemRecord]] = defaultdict(list)
        for hole in overdue:
            records[hole.partition].append(
                ChainHoleRecorded(chain=hole.service, missing=hole.sequence, since=hole.since)
            )
        for row in parked:
            records[row["partition"]].append(
                MessageParkedRecorded(
                    offset=row["kafka_offset"],
                    reason=row["reason"],
                    value_sha256=row["value_sha256"].hex(),
                    chain=row["service"],
                    sequence=row["sequence"],
                )
            )
        said = await say_of_the_record(connection, writer, records, context)
        await connection.execute(
            "UPDATE log_parked SET recorded_at = $2 WHERE parked_id = ANY($1)",
            [row["parked_id"] for row in parked],
            context.now,
        )
        await connection.executemany(
            """UPDATE log_hole SET recorded_at = $4
               WHERE service = $1 AND partition = $2 AND sequence = $3""",
            [(hole.service.value, hole.partition, hole.sequence, context.now) for hole in overdue],
        )
    writer.committed(said)
    return said


def by_the_sealer(now: datetime) -> Context:
    return Context(now, Actor.service(ServiceName.REVIEW))
