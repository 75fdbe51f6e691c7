"""In which order a partition's events go to an empty topic, told by what the services remember. No
I/O.

Each service has heard the others' events in the order of the topic and spoken in between. Of any
two events a service that heard both remembers which came first, and one that heard only one of them
had not come to the other; so together they know the old order. Where nobody but the two speakers
has heard two events yet, only what each speaker had heard before is kept.

A service that was not given a key in time heard what it signed late: where that stands in its
memory says only what it knew when it spoke."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from types import MappingProxyType

from shared.contract.vocabulary import ServiceName

Number = tuple[ServiceName, int]
"""An event of one partition: its speaker and its number on the chain."""


class OrdersDisagree(ValueError):
    """Two services remember two orders: one of the ledgers is not what was heard from one topic."""


def topic_order(
    memories: Mapping[ServiceName, Sequence[Number]],
    late: Mapping[ServiceName, Set[Number]] = MappingProxyType({}),
) -> Iterator[Number]:
    """Every event that any service holds, once, in the order of the topic. `memories` are the
    ledgers' rows of one partition in the order in which they were written, `late` what each was
    kept from hearing when it came. Raises OrdersDisagree."""
    kept = [
        _Memory.of(owner, rows, late.get(owner, frozenset())) for owner, rows in memories.items()
    ]
    last = {service: max(memory.last.get(service, 0) for memory in kept) for service in ServiceName}
    next_ = dict.fromkeys(ServiceName, 1)
    while left := [
        (service, next_[service]) for service in ServiceName if next_[service] <= last[service]
    ]:
        ready = [number for number in left if all(memory.lets_pass(number) for memory in kept)]
        if not ready:
            names = ", ".join(f"{service} number {sequence}" for service, sequence in left)
            raise OrdersDisagree(f"the services remember different orders of {names}")
        number = min(ready, key=lambda number: _lateness(number, kept))
        yield number
        next_[number[0]] += 1
        for memory in kept:
            memory.passes(number)


def _lateness(number: Number, memories: Sequence["_Memory"]) -> tuple[int, int]:
    """How many had heard other things and had not come to this one; then, how few have heard it at
    all."""
    return sum(memory.would_wait(number) for memory in memories), -sum(
        memory.holds(number) for memory in memories
    )


@dataclass(slots=True)
class _Memory:
    """What one service still waits to see: what it heard, in order, and how much of that before
    each thing that it said."""

    owner: ServiceName
    late: Set[Number]
    last: dict[ServiceName, int] = field(default_factory=dict)
    heard: deque[Number] = field(default_factory=deque)
    said: deque[tuple[int, int]] = field(default_factory=deque)
    """How many of `heard`, and how many late ones, were known."""
    late_in_order: list[Number] = field(default_factory=list)
    passed: int = 0
    passed_late: set[Number] = field(default_factory=set)

    @classmethod
    def of(cls, owner: ServiceName, rows: Sequence[Number], late: Set[Number]) -> "_Memory":
        memory = cls(owner, late)
        for number in rows:
            memory.last[number[0]] = number[1]
            if number[0] == owner:
                memory.said.append((len(memory.heard), len(memory.late_in_order)))
            elif number in late:
                memory.late_in_order.append(number)
            else:
                memory.heard.append(number)
        return memory

    def holds(self, number: Number) -> bool:
        return number[1] <= self.last.get(number[0], 0)

    def lets_pass(self, number: Number) -> bool:
        """Whether nothing that this service remembers has to come before."""
        if not self.holds(number):
            return True
        if number[0] == self.owner:
            heard, late = self.said[0]
            return heard <= self.passed and self.passed_late.issuperset(self.late_in_order[:late])
        return number in self.late or self.heard[0] == number

    def would_wait(self, number: Number) -> bool:
        """Whether it has heard other things, and had not come to this one."""
        return number[0] != self.owner and not self.holds(number) and bool(self.heard)

    def passes(self, number: Number) -> None:
        if not self.holds(number):
            return
        if number[0] == self.owner:
            self.said.popleft()
        elif number in self.late:
            self.passed_late.add(number)
        else:
            self.heard.popleft()
            self.passed += 1
