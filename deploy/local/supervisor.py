"""`ledger up`: starts Postgres, Kafka and the services, starts again what dies, and ends everything
in order.

Each part starts as soon as those it needs answer: Postgres and Kafka at once; the databases are
migrated when Postgres answers, the topic is made when Kafka answers; the services follow."""

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import folder, orphans, parts
from deploy.local.described import describe
from deploy.local.errors import StackError, Stopped
from deploy.local.inbox import inbox
from deploy.local.keeper import Keeper
from deploy.local.keys import Keys
from deploy.local.ports import Ports
from deploy.local.state import recorded
from shared.contract.vocabulary import ServiceName

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
            await asyncio.to_thread(self._end_orphans)
            self.ports.require_free()
            keys = Keys.of(self.data)
            keys.make()
            keys.lead_to_inbox(self.ports["inbox"])
            (self.data / "logs").mkdir(mode=0o700, exist_ok=True)
            _log_to(self.data / "logs" / "stack.log")
            self._keeper = Keeper(describe(self.data, self.ports, keys), asyncio.TaskGroup())
            self._keeper.stack.save()
            try:
                secret = keys.inbox_secret.read_text(encoding="ascii").strip()
                with inbox(self.ports["inbox"], self._keeper.stack.inbox, secret):
                    await self._run(keys, ready)
            finally:
                await self._end()
                self._keeper.stack.forget()
                log.info("the stack has ended")

    async def _run(self, keys: Keys, ready: Callable[[list[str]], None]) -> None:
        try:
            async with self._keeper.tasks as tasks:
                tasks.create_task(self._start(keys, ready))
                await self._stopping.wait()
                raise Stopped
        except BaseExceptionGroup as group:
            for known in (StackError, OSError):
                if (refused := group.subgroup(known)) is not None:
                    raise _first(refused) from None
            if group.split(Stopped)[1] is not None:
                raise

    async def _start(self, keys: Keys, ready: Callable[[list[str]], None]) -> None:
        self._tell("starting Postgres and Kafka")
        async with asyncio.TaskGroup() as both:
            both.create_task(parts.start_postgres(self._keeper, self.ports, keys, self._tell))
            both.create_task(parts.start_kafka(self._keeper, self.ports, self._tell))
        wanted = tuple(ServiceName) if self.services else ()
        self._tell("starting the services" if wanted else "leaving the services out")
        not_ready = await asyncio.gather(
            *(parts.start_service(self._keeper, service) for service in wanted)
        )
        missing = [name for name in not_ready if name is not None]
        log.info("the stack is up%s", f", but not {', '.join(missing)}" if missing else "")
        ready(missing)

    def _tell(self, text: str) -> None:
        if self._stopping.is_set():
            raise Stopped
        log.info("%s", text)
        self.say(text)

    def _end_orphans(self) -> None:
        left = recorded(self.data)
        if left is not None and left.processes:
            self.say("ending what a stack that was cut off left behind")
            orphans.end(left)

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
