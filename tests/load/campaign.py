"""One run: its size, its phases, and what they say about what was lost or doubled."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.ledger.run import stack as local
from deploy.local import postgres
from deploy.local.state import Stack
from shared.contract.vocabulary import ServiceName
from tests.load import phases
from tests.load.ground import Ground
from tests.load.phases import Hostile, Huge, Overload, Steady
from tests.load.record import Held, held


@dataclass(frozen=True, slots=True)
class Size:
    rate: float
    seconds: float
    times_over: float
    overload_seconds: float
    idle: int
    others: int
    huge: int
    alone_seconds: float = 5.0
    """How long honest callers are watched beside each kind of others, and before the huge
    incident."""


@dataclass(frozen=True, slots=True)
class Campaign:
    size: Size
    steady: Steady
    overload: Overload
    hostile: list[Hostile]
    huge: Huge
    accepted: int
    unknown: int
    held: dict[ServiceName, Held]

    @property
    def sound(self) -> bool:
        refusals = (self.overload.tally, *(one.tally for one in self.hostile), self.steady.tally)
        return all(one.sound for one in self.held.values()) and not any(
            one.without_retry_after for one in refusals
        )


async def run(stack: Stack, size: Size, say: Callable[[str], None]) -> Campaign:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        ground = Ground(stack, http)
        known = await phases.recorded(ground)
        say(f"{size.rate:g} reports a second for {size.seconds:g} s")
        steady = await phases.steady(ground, size.rate, size.seconds)
        say(f"{size.times_over:g} times what intake takes, for {size.overload_seconds:g} s")
        overload = await phases.overload(ground, size.times_over, size.overload_seconds)
        say("callers who mean harm")
        hostile = await phases.hostile(ground, size.idle, size.others, size.alone_seconds)
        say(f"an incident of {size.huge} events")
        huge = await phases.huge(ground, size.huge, size.alone_seconds)
        say("comparing what was accepted with every ledger")
        await ground.settled()
        tallies = (steady.tally, overload.tally, *(one.tally for one in hostile))
        accepted = [
            *huge.accepted,
            *steady.visible.accepted,
            *(one for tally in tallies for one in tally.accepted),
        ]
        unknown = huge.unknown + steady.visible.unknown + sum(tally.unknown for tally in tallies)
        found = await asyncio.to_thread(held, stack, accepted, known + overload.borne, unknown)
    return Campaign(
        size, steady, overload, hostile, huge, len(accepted) + overload.borne, unknown, found
    )


@contextlib.contextmanager
def stack_of_its_own(folder: Path, port_base: int, say: Callable[[str], None]) -> Iterator[Stack]:
    """Gone afterwards; the folder with its logs stays, for whoever wants to look."""
    try:
        yield local.start(folder, port_base, say)
    finally:
        say("ending the stack")
        local.end(folder)
        postgres.remove(folder)
