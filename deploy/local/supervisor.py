"""`ledger up`: starts Postgres, Kafka and the services, starts again what dies, and ends everything
in order."""

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import folder, orphans, parts
from deploy.local.described import prepare
from deploy.local.errors import StackError, Stopped
from deploy.local.inbox import inbox
from deploy.local.keeper import Keeper
from deploy.local.ports import Ports

log = logging.getLogger("ledger.stack")


@dataclass(slots=True)
class Supervisor:
    """One stack on one data folder."""

    data: Path
    ports: Ports
    say: Callable[[str], None]
    services: bool = True
    """False: Postgres and Kafka alone."""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _keeper: Keeper = field(init=False)

    async def run(self, ready: Callable[[list[str]], None]) -> None:
        """Runs until a signal comes. Calls `ready` once, with the services that did not become
        ready (none, if all is well).

        Raises StackError when the stack cannot start; nothing runs then."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
        with folder.opened(self.data):
            await asyncio.to_thread(orphans.end_of_earlier, self.data, self.say)
            self.ports.require_free()
            stack = prepare(self.data, self.ports)
            _log_to(self.data / "logs" / "stack.log")
            self._keeper = Keeper(stack, asyncio.TaskGroup())
            stack.save()
            try:
                secret = stack.keys.inbox_secret.read_text(encoding="ascii").strip()
                with inbox(self.ports["inbox"], stack.inbox, secret):
                    await self._run(ready)
            finally:
                await self._end()
                self._keeper.stack.forget()
                log.info("the stack has ended")

    async def _run(self, ready: Callable[[list[str]], None]) -> None:
        try:
            async with self._keeper.tasks as tasks:
                tasks.create_task(self._start(ready))
                await self._stopping.wait()
                raise Stopped
        except BaseExceptionGroup as group:
            for known in (StackError, OSError):
                if (refused := group.subgroup(known)) is not None:
                    raise _first(refused) from None
            if group.split(Stopped)[1] is not None:
                raise

    async def _start(self, ready: Callable[[list[str]], None]) -> None:
        missing = await parts.start_all(
            self._keeper, self.ports, self._tell, services=self.services
        )
        log.info("the stack is up%s", f", but not {', '.join(missing)}" if missing else "")
        ready(missing)

    def _tell(self, text: str) -> None:
        if self._stopping.is_set():
            raise Stopped
        log.info("%s", text)
        self.say(text)

    async def _end(self) -> None:
        if self._keeper.children:
            self.say("ending the services, then Kafka and Postgres")
        await self._keeper.end("kafka", "postgres")


def _log_to(file: Path) -> None:
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
