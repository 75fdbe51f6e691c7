"""The order in which a partition's events go to an empty topic, derived from the ledgers of the
services. No I/O.

Each service heard the others' events in the order of the old topic, and said its own in between. A
service that heard two events knows which came first; one that heard only one of them had not
reached the other. Together they know the old order. For two events that nobody has heard but the
services that said them, all that is kept is that each follows the events its service had heard
before.

A service that was given a key too late heard the events signed with it late. Their place in its
ledger then shows only which of its own events were said after them."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from types import MappingProxyType

from shared.contract.vocabulary import ServiceName

Number = tuple[ServiceName, int]
"""An event of one partition: the service that said it, and its sequence on the chain."""


class OrdersDisagree(ValueError):
    """Two services remember different orders, which cannot both come from one topic."""


def topic_order(
    memories: Mapping[ServiceName, Sequence[Number]],
    late: Mapping[ServiceName, Set[Number]] = MappingProxyType({}),
) -> Iterator[Number]:
    """Every event that any service holds, once, in the order of the topic. `memories` are the
    ledgers' rows of one partition in the order in which they were written, `late` the events that
    each could not hear when they arrived. Raises OrdersDisagree."""
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
    """How many services had heard other events but not reached this one; then, how few hold
    it."""
    return sum(memory.would_wait(number) for memory in memories), -sum(
        memory.holds(number) for memory in memories
    )


@dataclass(slots=True)
class _Memory:
    """The part of one service's ledger that has not passed yet: the events it heard, in order, and
    how many of them came before each event that it said."""

    owner: ServiceName
    late: Set[Number]
    last: dict[ServiceName, int] = field(default_factory=dict)
    heard: deque[Number] = field(default_factory=deque)
    said: deque[tuple[int, int]] = field(default_factory=deque)
    """For each event that it said, how many of `heard` and of the late ones came before."""
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
        """Whether no event that this service remembers must come before this one."""
        if not self.holds(number):
            return True
        if number[0] == self.owner:
            heard, late = self.said[0]
            return heard <= self.passed and self.passed_late.issuperset(self.late_in_order[:late])
        return number in self.late or self.heard[0] == number

    def would_wait(self, number: Number) -> bool:
        """Whether it had heard other events, but not reached this one."""
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
