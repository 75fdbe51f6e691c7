"""Examining many messages on as many cores as there are.

Checking signatures is most of it, and leaves the interpreter to others meanwhile. So each thread
decodes all it has, then checks all signatures, one right after the other: threads that took turns
at both would wait for each other more than they work."""

import asyncio
from collections.abc import Sequence
from typing import Final

from shared.chain.trust import Trust
from shared.runtime.hear.judge import Heard, Parked, Record, examine_together

AT_ONCE: Final = 128
"""Messages that one thread examines in one go."""


async def examine_all(records: Sequence[Record], trust: Trust) -> list[Heard | Parked]:
    """What `judge.examine` says of each, in their order."""
    lots = [records[at : at + AT_ONCE] for at in range(0, len(records), AT_ONCE)]
    examined = await asyncio.gather(
        *(asyncio.to_thread(examine_together, lot, trust) for lot in lots)
    )
    return [item for lot in examined for item in lot]
