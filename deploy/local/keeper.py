"""Keeps the children of a stack: starts them, records each start in `stack.json`, waits until they
answer, and ends them in order."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from deploy.local.child import Child
from deploy.local.errors import StackError
from deploy.local.state import Process, Stack

log = logging.getLogger("ledger.stack")

READY_WITHIN: Final = 60.0
GIVE_UP_AFTER: Final = 3
"""Ends before the first readiness after which a child counts as broken."""
LOOK_EVERY: Final = 0.05


@dataclass(slots=True)
class Keeper:
    """The children of one stack. `tasks` runs for as long as they do."""

    stack: Stack
    tasks: asyncio.TaskGroup
    children: dict[str, Child] = field(default_factory=dict)

    def keep(
        self,
        name: str,
        command: list[str],
        env: Mapping[str, str],
        *,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        account: dict[str, Any] | None = None,
    ) -> Child:
        """Starts the child, and starts it again whenever it dies."""
        child = Child(
            name,
            command,
            env,
            self.stack.data / "logs" / f"{name}.log",
            cwd=cwd or self.stack.data,
            stop_signal=stop_signal,
            account=account or {},
        )
        self.children[name] = child
        self.tasks.create_task(child.keep(lambda: self._started(child)))
        return child

    async def until(self, child: Child, answers: Callable[[], Awaitable[bool]]) -> None:
        """Waits until the child answers. Raises StackError with its last words when it keeps
        ending, or takes too long."""
        clock = asyncio.get_running_loop().time
        end = clock() + READY_WITHIN
        while not await answers():
            if clock() > end or child.restarts >= GIVE_UP_AFTER:
                ended = (
                    f"ended {child.restarts} times while starting"
                    if child.restarts
                    else f"is not ready after {READY_WITHIN:.0f} s"
                )
                raise StackError(
                    f"{child.name} {ended}: {child.last_words()} (more in {child.log_file})"
                )
            await asyncio.sleep(LOOK_EVERY)

    async def end(self, *last: str) -> None:
        """Ends all at once but the children named, and then these one after another."""
        first = [child for name, child in self.children.items() if name not in last]
        await asyncio.gather(*(child.end() for child in first))
        for name in last:
            if name in self.children:
                await self.children[name].end()

    def _started(self, child: Child) -> None:
        assert child.process is not None
        log.info("%s runs as process %d", child.name, child.process.pid)
        try:
            process = Process.of(child.process.pid, child.restarts)
        except psutil.NoSuchProcess:
            return  # It ended already; its task hears of it next.
        processes = {**self.stack.processes, child.name: process}
        self.stack = self.stack.model_copy(update={"processes": processes})
        self.stack.save()
