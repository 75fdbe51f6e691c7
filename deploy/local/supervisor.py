"""`ledger up`: starts Postgres, Kafka and the services, starts again what dies, and ends everything
in order.

Each part starts as soon as what it needs is there: Postgres and Kafka at once; the databases are
migrated when Postgres answers, the topic is made when Kafka answers; the services follow."""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import psutil

from deploy.local import kafka, orphans, postgres
from deploy.local.child import Child
from deploy.local.environment import inherited, settings_of
from deploy.local.errors import StackError, Stopped
from deploy.local.inbox import inbox
from deploy.local.keys import Keys
from deploy.local.ports import HOST, Ports
from deploy.local.state import LocalService, Process, Stack, recorded
from shared.contract.topics import TOPIC
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.topic import WrongTopic, ensure_topic
from shared.runtime.repair import schema

log = logging.getLogger("ledger.stack")

READY_WITHIN: Final = 60.0
GIVE_UP_AFTER: Final = 3
"""What ends so often before it was ready once will not become ready."""
LOOK_EVERY: Final = 0.05

Say = Callable[[str], None]


@dataclass(slots=True)
class Supervisor:
    """One stack on one data folder."""

    data: Path
    ports: Ports
    say: Say
    services: bool = True
    """Without: Postgres and Kafka alone."""
    _children: dict[str, Child] = field(default_factory=dict)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _stack: Stack = field(init=False)
    _keepers: asyncio.TaskGroup = field(init=False)

    async def run(self, ready: Callable[[list[str]], None]) -> None:
        """Until a signal comes. Calls `ready` once, with the services that did not become ready
        (none, if all is well).

        Raises StackError when the stack cannot start; nothing runs then."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
        with _writable(self.data), _alone(self.data):
            await asyncio.to_thread(self._end_orphans)
            self.ports.require_free()
            keys = Keys.of(self.data)
            keys.make()
            keys.lead_to_inbox(self.ports["inbox"])
            (self.data / "logs").mkdir(exist_ok=True)
            _log_to(self.data / "logs" / "stack.log")
            self._stack = describe(self.data, self.ports, keys)
            self._save()
            try:
                with inbox(self.ports["inbox"], self._stack.inbox):
                    await self._run(keys, ready)
            finally:
                await self._end()
                self._stack.forget()
                log.info("the stack has ended")

    async def _run(self, keys: Keys, ready: Callable[[list[str]], None]) -> None:
        try:
            async with asyncio.TaskGroup() as self._keepers:
                self._keepers.create_task(self._start(keys, ready))
                await self._stopping.wait()
                raise Stopped
        except BaseExceptionGroup as group:
            if (refused := group.subgroup(StackError)) is not None:
                raise _first(refused) from None
            if group.split(Stopped)[1] is not None:
                raise

    async def _start(self, keys: Keys, ready: Callable[[list[str]], None]) -> None:
        self._tell("starting Postgres and Kafka")
        async with asyncio.TaskGroup() as both:
            both.create_task(self._start_postgres(keys))
            both.create_task(self._start_kafka())
        wanted = tuple(ServiceName) if self.services else ()
        self._tell("starting the services" if wanted else "leaving the services out")
        not_ready = await asyncio.gather(*(self._start_service(service) for service in wanted))
        missing = [name for name in not_ready if name is not None]
        log.info("the stack is up%s", f", but not {', '.join(missing)}" if missing else "")
        ready(missing)

    async def _start_postgres(self, keys: Keys) -> None:
        passwords = keys.passwords()
        server = await asyncio.to_thread(
            postgres.prepare, self.data, self.ports["postgres"], passwords["postgres"], self._tell
        )
        child = self._keep(
            "postgres",
            server.command(),
            postgres.environment(),
            stop_signal=signal.SIGINT,
            account=server.account.popen if server.account is not None else {},
        )
        await self._until(child, lambda: postgres.answers(self._stack.admin_dsn))
        try:
            await asyncio.to_thread(self._migrate, keys)
        except schema.SchemaError as error:
            raise StackError(str(error)) from error

    def _migrate(self, keys: Keys) -> None:
        for database in databases(self._stack.admin_dsn, keys):
            for made in (*schema.create(database), *schema.migrate(database)):
                log.info("%s: made %s", database.database, made)

    async def _start_kafka(self) -> None:
        server = await asyncio.to_thread(
            kafka.prepare,
            self.data,
            self.ports["kafka"],
            self.ports["kafka-controller"],
            self._tell,
        )
        child = self._keep("kafka", server.command(), kafka.environment())
        await self._until(child, lambda: kafka.answers(server.bootstrap))
        try:
            await ensure_topic({"bootstrap_servers": server.bootstrap}, self._stack.topic)
        except WrongTopic as error:
            raise StackError(str(error)) from error

    async def _start_service(self, service: ServiceName) -> str | None:
        """None when it became ready, else its name."""
        local = self._stack.services[service]
        command = [sys.executable, "-m", f"services.{service}"]
        child = self._keep(service.value, command, inherited() | local.env)
        async with httpx.AsyncClient(timeout=5) as client:

            async def ready() -> bool:
                try:
                    return (await client.get(f"{local.url}/readyz")).is_success
                except httpx.HTTPError:
                    return False

            try:
                await self._until(child, ready)
            except StackError as error:
                log.warning("%s", error)
                return service.value
        return None

    def _keep(
        self,
        name: str,
        command: list[str],
        env: dict[str, str],
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        account: dict[str, int] | None = None,
    ) -> Child:
        log_file = self.data / "logs" / f"{name}.log"
        child = Child(
            name,
            command,
            env,
            log_file,
            cwd=self.data,
            stop_signal=stop_signal,
            account=account or {},
        )
        self._children[name] = child
        self._keepers.create_task(child.keep(lambda: self._started(child)))
        return child

    def _started(self, child: Child) -> None:
        assert child.process is not None
        log.info("%s runs as process %d", child.name, child.process.pid)
        try:
            process = Process.of(child.process.pid, child.restarts)
        except psutil.NoSuchProcess:
            return  # ended already; its keeper is told next
        self._stack = self._stack.model_copy(
            update={"processes": {**self._stack.processes, child.name: process}}
        )
        self._save()

    async def _until(self, child: Child, answers: Callable[[], Awaitable[bool]]) -> None:
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

    def _tell(self, text: str) -> None:
        if self._stopping.is_set():
            raise Stopped
        log.info("%s", text)
        self.say(text)

    def _save(self) -> None:
        self._stack.save()

    def _end_orphans(self) -> None:
        left = recorded(self.data)
        if left is not None and left.processes:
            self.say("ending what a stack that was cut off left behind")
            orphans.end(left)

    async def _end(self) -> None:
        services = [child for name, child in self._children.items() if name in set(ServiceName)]
        if self._children:
            self.say("ending the services, then Kafka and Postgres")
        await asyncio.gather(*(child.end() for child in services))
        for name in ("kafka", "postgres"):
            if name in self._children:
                await self._children[name].end()


def describe(data: Path, ports: Ports, keys: Keys) -> Stack:
    """What the stack of a data folder is to be."""
    passwords = keys.passwords()

    def dsn(role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{passwords[password]}@{HOST}:{ports['postgres']}/{database}"

    bootstrap = f"{HOST}:{ports['kafka']}"
    services = {
        service.value: LocalService(
            url=f"http://{HOST}:{ports[service]}",
            env=settings_of(
                service,
                keys,
                dsn(f"{service}_service", f"{service}_service", f"incident_{service}"),
                bootstrap,
                ports[service],
                health_port=ports[f"{service}-health"],
            ),
            auditor_dsn=dsn(schema.AUDITOR, "auditor", f"incident_{service}"),
            owner_dsn=dsn(f"{service}_owner", f"{service}_owner", f"incident_{service}"),
            log=data / "logs" / f"{service}.log",
        )
        for service in ServiceName
    }
    return Stack(
        data=data,
        port_base=ports.base,
        supervisor=Process.of(os.getpid()),
        services=services,
        admin_dsn=dsn(postgres.SUPERUSER, "postgres", "postgres"),
        kafka_bootstrap=bootstrap,
        topic=TOPIC,
        trust_file=keys.trust_file,
        log_vkey=keys.log_vkey,
        jwks_file=keys.jwks,
        token_key_file=keys.token_key,
    )


def databases(admin_dsn: str, keys: Keys) -> list[schema.Database]:
    passwords = keys.passwords()
    return [
        schema.Database(
            service,
            admin_dsn,
            passwords[f"{service}_owner"],
            passwords[f"{service}_service"],
            passwords["auditor"],
        )
        for service in ServiceName
    ]


@contextlib.contextmanager
def _writable(data: Path) -> Iterator[None]:
    try:
        data.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.filename is None:
            raise
        raise StackError(
            f"{error.filename}: {(error.strerror or 'refused').lower()}; choose another folder with --data, or make this one writable"
        ) from error


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    with (data / "stack.lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"a stack runs on {data} already; see it with: ledger status --data {data}, end it with: ledger down --data {data}"
            ) from None
        yield


def _log_to(file: Path) -> None:
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def _first(group: BaseExceptionGroup[StackError]) -> StackError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
