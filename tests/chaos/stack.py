"""A local stack with a link between each pair: service and Postgres, service and Kafka, client and
service.

The parts are those of `ledger up`. What differs is where they find each other: each service reaches
Postgres and Kafka by links of its own, Kafka has a listener for each service that tells it so, and
`stack.json` is written, so that every `ledger` command works."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import psutil

from deploy.ledger.run.demo.cast import MONITOR
from deploy.local import kafka, postgres
from deploy.local.child import Child
from deploy.local.described import databases, describe
from deploy.local.environment import of_server, of_service
from deploy.local.keys import Keys
from deploy.local.ports import HOST, Ports
from deploy.local.state import Stack
from services.intake import queries
from services.intake.sources import Registration
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.topic import ensure_topic
from shared.runtime.process import clock
from shared.runtime.process.secretfiles import secret_in
from shared.runtime.repair import schema
from shared.runtime.say.people import People
from tests.chaos.disk import Disk
from tests.chaos.proxy import Link
from tests.chaos.stepped import set_clock

ROOT: Final = Path(__file__).parents[2]
READY_WITHIN: Final = 120.0
SERVERS: Final = ("postgres", "kafka")
PARTS: Final = (*(service.value for service in ServiceName), *SERVERS)


@dataclass(slots=True)
class Chaos:
    """The running stack, as the faults and the clients see it."""

    stack: Stack
    links: dict[str, Link]
    disk: Disk | None
    """What the sealed log lies on; None where we may not mount one."""
    children: dict[str, Child] = field(default_factory=dict)

    def url(self, service: ServiceName) -> str:
        """Where clients find the service: at the far end of a link."""
        return f"http://{HOST}:{self.links[f'clients-{service}'].port}"

    def clock(self, service: str) -> Path:
        return self.stack.data / f"{service}.clock"

    def processes(self, part: str) -> list[psutil.Process]:
        """The part as it runs now; Postgres with its backends."""
        child = self.children[part].process
        if child is None or child.returncode is not None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(child.pid)
            return [process, *process.children(recursive=True)]
        return []

    def signal(self, part: str, number: signal.Signals, *, whole: bool = False) -> None:
        """Sends a signal to the part, if it runs; `whole`: to every process of it."""
        for process in self.processes(part)[: None if whole else 1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)


@contextlib.asynccontextmanager
async def running(data: Path, base: int, say: Callable[[str], None]) -> AsyncIterator[Chaos]:
    """Starts everything, ends everything."""
    ports, keys = Ports(base), Keys.of(data)
    ports.require_free()
    keys.make()
    (data / "logs").mkdir(exist_ok=True)
    links = _links(ports)
    for link in links.values():
        await link.start()
    chaos = Chaos(_described(data, ports, keys, links), links, Disk.mounted(keys.log_store))
    chaos.stack.save()
    keepers: list[asyncio.Task[None]] = []
    try:
        say("starting Postgres and Kafka")
        await asyncio.gather(
            _start_postgres(chaos, keys, keepers, say), _start_kafka(chaos, ports, keepers, say)
        )
        await _register_clients(chaos, keys)
        say("starting the services")
        for service in ServiceName:
            _start_service(chaos, service, keepers)
        yield chaos
    finally:
        for service in ServiceName:
            chaos.signal(service, signal.SIGCONT)
        for parts in (tuple(ServiceName), SERVERS):
            await asyncio.gather(
                *(chaos.children[part].end() for part in parts if part in chaos.children)
            )
        await asyncio.gather(*keepers)
        for link in links.values():
            link.stop()
        if chaos.disk is not None:
            chaos.disk.unmount()
        chaos.stack.forget()


async def _register_clients(chaos: Chaos, keys: Keys) -> None:
    """So that they may report by CloudEvents, and add to each other's incidents."""
    intake = databases(chaos.stack.admin_dsn, keys)[0]
    host, _, port = chaos.stack.admin_dsn.rpartition("@")[2].partition("/")[0].partition(":")
    connection = await asyncpg.connect(
        host=host,
        port=int(port),
        user=intake.owner,
        password=intake.owner_password,
        database=intake.database,
    )
    people, now = People(secret_in(keys.pseudonym_key)), clock.now()
    monitor = Registration(MONITOR.name, "//chaos", adds=True)
    await queries.register(connection, people, monitor, now)
    await connection.close()


def _links(ports: Ports) -> dict[str, Link]:
    links = {}
    for number, service in enumerate(ServiceName):
        links[f"{service}-postgres"] = Link(f"{service}-postgres", ports["postgres"])
        links[f"{service}-kafka"] = Link(f"{service}-kafka", _listener(ports, number))
        links[f"clients-{service}"] = Link(f"clients-{service}", ports[service])
    return links


def _listener(ports: Ports, number: int) -> int:
    """Kafka's port for one service, in the hole that the local stack's ports leave after
    Kafka's."""
    return ports["kafka-controller"] + 1 + number


def _described(data: Path, ports: Ports, keys: Keys, links: dict[str, Link]) -> Stack:
    stack = describe(data, ports, keys)
    services = {}
    for name, local in stack.services.items():
        direct = f"{HOST}:{ports['postgres']}"
        env = local.env | {
            "LEDGER_DATABASE_DSN": local.env["LEDGER_DATABASE_DSN"].replace(
                direct, f"{HOST}:{links[f'{name}-postgres'].port}"
            ),
            "LEDGER_KAFKA_BOOTSTRAP": f"{HOST}:{links[f'{name}-kafka'].port}",
        }
        services[name] = local.model_copy(update={"env": env})
    return stack.model_copy(update={"services": services})


async def _start_postgres(
    chaos: Chaos, keys: Keys, keepers: list["asyncio.Task[None]"], say: Callable[[str], None]
) -> None:
    port = int(chaos.stack.admin_dsn.rpartition(":")[2].partition("/")[0])
    server = await asyncio.to_thread(
        postgres.prepare, chaos.stack.data, port, keys.passwords()[postgres.SUPERUSER], say
    )
    account = server.account.popen if server.account is not None else {}
    _keep(chaos, keepers, "postgres", server.command(), of_server(), signal.SIGINT, account)
    await _until(lambda: postgres.answers(chaos.stack.admin_dsn), "Postgres answers")
    await asyncio.to_thread(_migrate, chaos.stack.admin_dsn, keys)


def _migrate(admin_dsn: str, keys: Keys) -> None:
    for database in databases(admin_dsn, keys):
        list(schema.create(database))
        list(schema.migrate(database))


async def _start_kafka(
    chaos: Chaos, ports: Ports, keepers: list["asyncio.Task[None]"], say: Callable[[str], None]
) -> None:
    server = await asyncio.to_thread(
        kafka.prepare, chaos.stack.data, chaos.stack.broker, ports["kafka-controller"], say
    )
    with server.properties_file.open("a", encoding="utf-8") as file:
        file.write(kafka.as_java_reads(_more_listeners(server, ports, chaos.links)))
    _keep(chaos, keepers, "kafka", server.command(), of_server(), cwd=server.folder)
    await _until(lambda: kafka.answers(server.broker), "Kafka answers")
    await ensure_topic(server.broker.client(), chaos.stack.topic)


def _more_listeners(server: kafka.Kafka, ports: Ports, links: dict[str, Link]) -> dict[str, str]:
    """Of a property that stands twice in a file, Java takes the second."""
    before = server.properties()
    names = [service.value.upper() for service in ServiceName]
    listeners = [f"{name}://{HOST}:{_listener(ports, number)}" for number, name in enumerate(names)]
    advertised = [f"{name}://{HOST}:{links[f'{name.lower()}-kafka'].port}" for name in names]
    return {
        "listeners": ",".join([before["listeners"], *listeners]),
        "advertised.listeners": ",".join([before["advertised.listeners"], *advertised]),
        **kafka.guarded((kafka.CLIENTS, "CONTROLLER", *names), server.broker.password),
    }


def _start_service(chaos: Chaos, service: ServiceName, keepers: list["asyncio.Task[None]"]) -> None:
    set_clock(chaos.clock(service), 0.0)
    command = [
        sys.executable,
        "-m",
        "tests.chaos.stepped",
        str(chaos.clock(service)),
        f"services.{service}",
    ]
    env = of_service(chaos.stack.services[service].env) | {"PYTHONPATH": str(ROOT)}
    _keep(chaos, keepers, service, command, env)


def _keep(
    chaos: Chaos,
    keepers: list["asyncio.Task[None]"],
    name: str,
    command: list[str],
    env: dict[str, str],
    stop_signal: signal.Signals = signal.SIGTERM,
    account: dict[str, int] | None = None,
    cwd: Path | None = None,
) -> None:
    data = chaos.stack.data
    child = Child(
        name,
        command,
        env,
        data / "logs" / f"{name}.log",
        cwd or data,
        stop_signal=stop_signal,
        account=account or {},
    )
    chaos.children[name] = child
    keepers.append(asyncio.create_task(child.keep(lambda: None)))


async def _until(true: Callable[[], Awaitable[bool]], what: str) -> None:
    try:
        async with asyncio.timeout(READY_WITHIN):
            while not await true():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise TimeoutError(f"not within {READY_WITHIN:.0f} s: {what}") from None
