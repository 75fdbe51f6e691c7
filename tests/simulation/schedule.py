"""Virtual time: one heap of tasks, each a generator that says how long it sleeps or what it waits
for."""

import heapq
import itertools
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

Steps: TypeAlias = Generator["float | Future", None, Any]
"""What a task yields: seconds to sleep, or a Future to wait for. Every yield is a point where
others go on, or where it dies."""


class Owner(Protocol):
    """Whoever runs tasks and may die with all of them."""

    def dies(self) -> bool: ...


@dataclass(slots=True)
class Future:
    done: bool = False
    value: Any = None
    waiting: "list[Task]" = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Task:
    name: str
    steps: Steps
    owner: Owner | None = None
    alive: bool = True

    def kill(self) -> None:
        self.alive = False
        self.steps.close()


class Scheduler:
    def __init__(self) -> None:
        self.now = 0.0
        self.steps = 0
        self._order = itertools.count()
        self._heap: list[tuple[float, int, Task]] = []

    def spawn(
        self, name: str, steps: Steps, owner: Owner | None = None, after: float = 0.0
    ) -> Task:
        task = Task(name, steps, owner)
        self._wake(task, after)
        return task

    def set(self, future: Future, value: Any = None) -> None:
        if not future.done:
            future.done, future.value = True, value
            for task in future.waiting:
                self._wake(task, 0.0)

    def run(self, until: float, settled: Callable[[], bool] = lambda: False) -> None:
        """Runs until the time is reached, or, asked now and then, until `settled`."""
        while self._heap and self._heap[0][0] <= until:
            self.steps += 1
            if self.steps % 64 == 0 and settled():
                return
            self.now, _, task = heapq.heappop(self._heap)
            # Death comes between any two steps.
            if task.alive and not (task.owner is not None and task.owner.dies()):
                self._step(task)

    def _step(self, task: Task) -> None:
        try:
            wanted = next(task.steps)
        except StopIteration:
            task.alive = False
            return
        if not isinstance(wanted, Future):
            self._wake(task, wanted)
        elif wanted.done:
            self._wake(task, 0.0)
        else:
            wanted.waiting.append(task)

    def _wake(self, task: Task, after: float) -> None:
        heapq.heappush(self._heap, (self.now + after, next(self._order), task))
