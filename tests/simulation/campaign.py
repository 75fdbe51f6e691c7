"""Many seeds on every core, and what to say about a seed that fails."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.simulation.chance import Point, shrink
from tests.simulation.world import Result, World

COMMANDS = 96


@dataclass(slots=True)
class Tally:
    """Faults that happened, by kind, and the anomalies of the seeds in which they happened."""

    runs: int = 0
    events: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    anomalies: Counter[str] = field(default_factory=Counter)
    failing: list[int] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.runs += 1
        self.events += result.events
        self.faults.update(result.faults)
        if result.anomalies:
            self.failing.append(result.seed)
            for kind in result.faults:
                self.anomalies[kind] += len(result.anomalies)


def run(seed: int) -> Result:
    return World(seed, COMMANDS).run()


def campaign(seeds: Sequence[int], processes: int | None = None) -> Iterator[Result]:
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        yield from pool.map(run, seeds, chunksize=8)


def minimal(seed: int, commands: int = COMMANDS) -> tuple[Result, Sequence[Point]]:
    """The failing seed again, with as few of its commands and faults as still show one of its
    anomalies; traced."""
    names = {anomaly.name for anomaly in World(seed, commands).run().anomalies}

    def fails(count: int) -> Callable[[frozenset[Point]], bool]:
        return lambda only: bool(
            names & {found.name for found in World(seed, count, only).run().anomalies}
        )

    fired: Sequence[Point] = World(seed, commands).run().fired
    fired = shrink(fails(commands), fired)
    for fewer in _halves(commands):
        if not fails(fewer)(frozenset(fired)):
            break
        commands = fewer
    kept = shrink(fails(commands), fired, 100)
    return World(seed, commands, frozenset(kept), tracing=True).run(), kept


def _halves(commands: int) -> Iterable[int]:
    while (commands := commands // 2) >= 12:
        yield commands
