"""What a row of the benchmark is, and how it is measured: interleaved rounds of ours and its peer,
and their medians.

The machine may be busy and slow; whatever it is, it is the same for both sides of a row. So what
counts is the ratio."""

import gc
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from statistics import median

from tests.bench.world import World

Round = Callable[[], Awaitable[float]]
"""One measurement, in the unit of its row."""


@dataclass(frozen=True, slots=True)
class Sides:
    ours: Round
    peer: Round | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    text: str
    met: Callable[[float, float], bool]
    """Of ours and the peer's."""


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    what: str
    against: str | None
    unit: str
    goal: Goal
    ready: Callable[[World], AbstractAsyncContextManager[Sides]]
    """Makes what both sides need, and gives them."""
    apart: bool = False
    """Ours runs in a process of its own."""


@dataclass(frozen=True, slots=True)
class Result:
    row: Row
    ours: float
    peer: float | None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.peer if self.peer else None

    @property
    def met(self) -> bool:
        return self.row.goal.met(self.ours, self.peer or 0.0)

    def as_json(self) -> dict[str, object]:
        row = self.row
        return {
            "row": row.name,
            "what": row.what,
            "against": row.against,
            "unit": row.unit,
            "ours": self.ours,
            "peer": self.peer,
            "ratio": self.ratio,
            "goal": row.goal.text,
            "met": self.met,
        }


def times(bound: float) -> Goal:
    return Goal(f"≥ {bound:g}×", lambda ours, peer: ours >= bound * peer)


def at_most_times(bound: float) -> Goal:
    return Goal(f"≤ {bound:g}×", lambda ours, peer: ours <= bound * peer)


def at_least(bound: float, unit: str) -> Goal:
    return Goal(f"≥ {bound:,.0f} {unit}", lambda ours, _: ours >= bound)


def at_most(bound: float, unit: str) -> Goal:
    return Goal(f"≤ {bound:,.0f} {unit}", lambda ours, _: ours <= bound)


def below(bound: float, unit: str) -> Goal:
    return Goal(f"< {bound:g} {unit}", lambda ours, _: ours < bound)


async def measure(row: Row, world: World, rounds: int, progress: Callable[[str], None]) -> Result:
    ours: list[float] = []
    peer: list[float] = []
    async with row.ready(world) as sides:
        # As a service does once it is up.
        gc.collect()
        gc.freeze()
        for number in range(1, rounds + 1):
            progress(f"{row.name}: round {number} of {rounds}, ours")
            ours.append(await sides.ours())
            if sides.peer is not None:
                progress(f"{row.name}: round {number} of {rounds}, {row.against}")
                peer.append(await sides.peer())
    return Result(row, median(ours), median(peer) if peer else None)
