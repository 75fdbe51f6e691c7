"""In which order a partition's events go to an empty topic, told by what the services remember. No I/O.

Each service has heard the others' events in the order of the topic and spoken in between. Of any two events a service that heard both
remembers which came first, and one that heard only one of them had not come to the other; so together they know the old order. Where
nobody but the two speakers has heard two events yet, only what each speaker had heard before is kept.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.contract.vocabulary import ServiceName

Number = tuple[ServiceName, int]
"""An event of one partition: its speaker and its number on the chain."""


class OrdersDisagree(ValueError):
    """Two services remember two orders: one of the ledgers is not what was heard from one topic."""


def topic_order(memories: Mapping[ServiceName, Sequence[Number]]) -> Iterator[Number]:
    """Every event that any service holds, once, in the order of the topic. `memories` are the ledgers' rows of one partition in the
    order in which they were written. Raises OrdersDisagree."""
    kept = [_Memory.of(owner, rows) for owner, rows in memories.items()]
    last = {service: max(memory.last.get(service, 0) for memory in kept) for service in ServiceName}
    next_ = dict.fromkeys(ServiceName, 1)
    while left := [(service, next_[service]) for service in ServiceName if next_[service] <= last[service]]:
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
    """How many had heard other things and had not come to this one; then, how few have heard it at all."""
    return sum(memory.would_wait(number) for memory in memories), -sum(memory.holds(number) for memory in memories)


@dataclass(slots=True)
class _Memory:
    """What one service still waits to see: what it heard, in order, and how much of that before each thing that it said."""

    owner: ServiceName
    last: dict[ServiceName, int] = field(default_factory=dict)
    heard: deque[Number] = field(default_factory=deque)
    said: deque[int] = field(default_factory=deque)
    passed: int = 0

    @classmethod
    def of(cls, owner: ServiceName, rows: Sequence[Number]) -> "_Memory":
        memory = cls(owner)
        for service, sequence in rows:
            memory.last[service] = sequence
            if service == owner:
                memory.said.append(len(memory.heard))
            else:
                memory.heard.append((service, sequence))
        return memory

    def holds(self, number: Number) -> bool:
        return number[1] <= self.last.get(number[0], 0)

    def lets_pass(self, number: Number) -> bool:
        """Whether nothing that this service remembers has to come before."""
        if not self.holds(number):
            return True
        return self.said[0] <= self.passed if number[0] == self.owner else self.heard[0] == number

    def would_wait(self, number: Number) -> bool:
        """Whether it has heard other things, and had not come to this one."""
        return number[0] != self.owner and not self.holds(number) and bool(self.heard)

    def passes(self, number: Number) -> None:
        if not self.holds(number):
            return
        if number[0] == self.owner:
            self.said.popleft()
        else:
            self.heard.popleft()
            self.passed += 1
