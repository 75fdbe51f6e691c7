"""What is done to the stack while clients use it: a seeded schedule of faults, and how each is done
and undone."""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.contract.vocabulary import ServiceName
from tests.chaos.proxy import Link
from tests.chaos.stack import PARTS, Chaos
from tests.chaos.stepped import set_clock

GAP: Final = 2.0
"""Seconds between the beginnings of two faults, in the mean; they may overlap."""
SHORTEST, LONGEST = 0.3, 5.0
"""How long a fault lasts that lasts."""


class Kind(StrEnum):
    KILL = "kill -9"
    PAUSE = "SIGSTOP, SIGCONT"
    RESTART = "ended, restarted"
    CUT = "connections reset"
    REFUSE = "connections refused"
    STALL = "no byte moves"
    SWALLOW = "answers lost, then reset"
    SLOW = "50 to 300 ms a packet"
    CLOCK = "clock stepped"
    FULL = "disk full"


LASTING: Final = frozenset(
    {Kind.PAUSE, Kind.REFUSE, Kind.STALL, Kind.SWALLOW, Kind.SLOW, Kind.CLOCK, Kind.FULL}
)
STEPS: Final = (-7200.0, -30.0, 30.0, 1800.0)
"""Seconds by which a clock is stepped. More than an hour ahead is not among them: Kafka refuses
such messages for as long as it lasts."""


@dataclass(frozen=True, slots=True)
class Fault:
    at: float
    kind: Kind
    on: str
    lasts: float = 0.0
    amount: float = 0.0
    """Seconds a packet, or of a clock's step."""

    @property
    def group(self) -> str:
        """Under which name it is counted: links by what they join, whichever service it is."""
        if self.kind in {Kind.KILL, Kind.PAUSE, Kind.RESTART}:
            return self.on
        if self.kind is Kind.CLOCK:
            return "a service"
        if self.kind is Kind.FULL:
            return self.on
        first, _, second = self.on.partition("-")
        return (
            f"{'service' if second in {'postgres', 'kafka'} else first} – "
            f"{second if first != 'clients' else 'service'}"
        )


def deck(*, disk: bool) -> list[tuple[Kind, str]]:
    """Every fault on everything that it can befall; a full disk where there is one to fill."""
    parts = [(kind, part) for kind in (Kind.KILL, Kind.PAUSE, Kind.RESTART) for part in PARTS]
    links = [
        (kind, link)
        for kind in (Kind.CUT, Kind.REFUSE, Kind.STALL, Kind.SWALLOW, Kind.SLOW)
        for service in ServiceName
        for link in (f"{service}-postgres", f"{service}-kafka", f"clients-{service}")
    ]
    clocks = [(Kind.CLOCK, service.value) for service in ServiceName]
    return [*parts, *links, *clocks, *([(Kind.FULL, "sealed log")] * 4 if disk else [])]


def schedule(seed: int, seconds: float, *, disk: bool) -> list[Fault]:
    """The same for the same seed, and the beginning of a longer one of that seed. Goes through the
    whole deck, shuffled, then again."""
    chance = random.Random(seed)
    faults: list[Fault] = []
    at = 1.0
    for kind, on in _dealt(chance, deck(disk=disk)):
        lasts = chance.uniform(SHORTEST, LONGEST) if kind in LASTING else 0.0
        amount = chance.choice(STEPS) if kind is Kind.CLOCK else chance.uniform(0.05, 0.3)
        if at + lasts > seconds:
            return faults
        faults.append(Fault(round(at, 2), kind, on, round(lasts, 2), round(amount, 3)))
        at += chance.uniform(0.5, 2 * GAP - 0.5)
    raise AssertionError("unreachable: there is always another card")


def _dealt(chance: random.Random, cards: list[tuple[Kind, str]]) -> Iterator[tuple[Kind, str]]:
    while True:
        chance.shuffle(cards)
        yield from cards


async def commit(fault: Fault, chaos: Chaos) -> None:
    """Does the fault, lets it last, and undoes it; two of a kind on one thing may overlap, and the
    first to end undoes both."""
    async with _ways(fault, chaos):
        await asyncio.sleep(fault.lasts)


@contextlib.asynccontextmanager
async def _ways(fault: Fault, chaos: Chaos) -> AsyncIterator[None]:
    match fault.kind:
        case Kind.KILL:
            chaos.signal(fault.on, signal.SIGKILL)
            yield
        case Kind.RESTART:
            chaos.signal(fault.on, signal.SIGINT if fault.on == "postgres" else signal.SIGTERM)
            yield
        case Kind.PAUSE:
            chaos.signal(fault.on, signal.SIGSTOP, whole=True)
            yield
            chaos.signal(fault.on, signal.SIGCONT, whole=True)
        case Kind.CLOCK:
            set_clock(chaos.clock(fault.on), fault.amount)
            yield
            set_clock(chaos.clock(fault.on), 0.0)
        case Kind.FULL:
            assert chaos.disk is not None
            chaos.disk.fill()
            yield
            chaos.disk.empty()
        case _:
            link = chaos.links[fault.on]
            _LINK_FAULTS[fault.kind](link, fault.amount)
            yield
            if fault.kind is Kind.SWALLOW:
                link.cut()
            link.heal()


def _refuse(link: Link, _: float) -> None:
    link.refusing = True
    link.cut()


def _slow(link: Link, amount: float) -> None:
    link.delay = amount


_LINK_FAULTS: Final[dict[Kind, Callable[[Link, float], None]]] = {
    Kind.CUT: lambda link, _: link.cut(),
    Kind.REFUSE: _refuse,
    Kind.STALL: lambda link, _: link.stall(),
    Kind.SWALLOW: lambda link, _: link.stall(requests=False),
    Kind.SLOW: _slow,
}


def heal(chaos: Chaos) -> None:
    """Undoes whatever a fault that was interrupted left behind."""
    for part in PARTS:
        chaos.signal(part, signal.SIGCONT, whole=True)
    for link in chaos.links.values():
        link.heal()
    for service in ServiceName:
        set_clock(chaos.clock(service), 0.0)
    if chaos.disk is not None:
        chaos.disk.empty()
