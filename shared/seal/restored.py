"""Where a sealer resumes: the chains as the last one left them, and the keys that they name."""

from collections import defaultdict
from datetime import datetime

from shared.chain.link import Head
from shared.chain.trust import Trust
from shared.contract.envelope import read
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, Parked, examine
from shared.seal import rows
from shared.seal.decide import Chains
from shared.seal.state import LogState


async def chains(state: LogState, trust: Trust, now: datetime) -> Chains:
    """The chains of the log. Events that were held back and are no longer trusted are parked: the
    trust file may have become shorter since. Raises Fenced."""
    waiting: dict[int, list[Heard]] = defaultdict(list)
    refused: list[Parked] = []
    for record in await rows.waiting(state.connection):
        item = examine(record, trust)
        if isinstance(item, Heard):
            waiting[record.partition].append(item)
        else:
            refused.append(item)
    if refused:
        async with state.fenced() as connection:
            await rows.release(connection, refused)
            await rows.park(connection, refused, now)
    heads = await state.connection.fetch("SELECT service, partition, sequence, hash FROM log_chain")
    return Chains(
        {
            (ServiceName(row["service"]), row["partition"]): Head(row["sequence"], row["hash"])
            for row in heads
        },
        {partition: tuple(items) for partition, items in waiting.items()},
        {hole.chain: hole for hole in await rows.holes(state.connection)},
    )


async def with_sealed_keys(state: LogState, trust: Trust) -> Trust:
    """The trust that a file gives, with the changes of key among the leaves of the log."""
    rotations = await state.connection.fetch(
        "SELECT envelope FROM log_rotation ORDER BY service, partition, sequence"
    )
    return trust.after(*(read(row["envelope"]) for row in rotations))
