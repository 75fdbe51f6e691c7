"""How a service runs: HTTP, writer, relay, consumer and its own workers as siblings of one process.

If one of them fails for a reason that does not pass by itself, the process ends, loudly, and is restarted by whoever runs it: never
a service that answers and relays nothing.
"""

import argparse
import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import asyncpg
import structlog
import uvicorn
from aiokafka.admin import AIOKafkaAdminClient
from asyncpg.pool import Pool, PoolAcquireContext
from fastapi import APIRouter

from shared.chain import trust
from shared.chain.link import Head
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.relay import Relay
from shared.runtime.hear.consumer import Consumer
from shared.runtime.hear.receiver import Receiver
from shared.runtime.process import clock, logging, telemetry
from shared.runtime.process import settings as settings_
from shared.runtime.process.database import Connection
from shared.runtime.process.lease import lease
from shared.runtime.process.persistence import PASSING, persist
from shared.runtime.process.settings import ServiceSettings
from shared.runtime.repair import rebuilding, rotation
from shared.runtime.say import words
from shared.runtime.say.keyring import BadKeyFile, KeyMissing, Keyring
from shared.runtime.say.ledger import Ledger
from shared.runtime.say.rules import Rules
from shared.runtime.say.tables import rotations
from shared.runtime.web import connections, health, overload
from shared.runtime.web.desk import create_app

C = TypeVar("C")
S = TypeVar("S")

ROLES: Final = ("http", "relay", "consumer", "workers")
DRAIN_WITHIN: Final = 8.0
"""Seconds that requests under way, workers and the relay have to finish after SIGTERM."""

LISTENERS: Final = 16
"""Newcomers that are let in at a turn of the loop."""
CONNECTION_WITHIN: Final = 10.0
"""Seconds that anybody waits for a connection to the database: when it hangs, who waits is told so."""
MANY: Final = 2000
"""Commands of requests that carry many, under way at a time, of all such requests together. The others wait for their turn."""

BROKER_ASKED_EVERY: Final = 1.0
"""Seconds between two questions to the broker, however often readiness is asked for."""
CHECKPOINT_KEPT: Final = 1.0
"""Seconds that a signed chain checkpoint is given out before a new one is made."""
UNREADY: Final[tuple[type[Exception], ...]] = (*PASSING, asyncpg.PostgresError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Service(Generic[C, S]):
    """Everything that makes one service different from another."""

    name: ServiceName
    title: str
    rules: Rules[C, S]
    router: APIRouter
    settings: type[ServiceSettings] = ServiceSettings
    workers: tuple[Callable[["Running[C, S]"], Awaitable[None]], ...] = ()
    """Each may also run alone: its name is a role."""
    shown: Callable[[Connection], Awaitable[dict[str, Any]]] | None = None
    """What its readiness shows besides, out of its database."""

    @property
    def roles(self) -> tuple[str, ...]:
        return (*ROLES, *(worker.__name__ for worker in self.workers))


@dataclass(slots=True)
class Running(Generic[C, S]):
    """A service with its connections: what routes and workers are handed."""

    service: Service[C, S]
    settings: ServiceSettings
    pool: "Pool[asyncpg.Record]"
    ledger: Ledger[C, S]
    trust: trust.Trust
    roles: frozenset[str]
    lag: dict[int, int] = field(default_factory=dict)
    broker_seen: tuple[float, str] = (-BROKER_ASKED_EVERY, "")
    checkpoint: tuple[float, bytes] = (-CHECKPOINT_KEPT, b"")
    many: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MANY))
    """One place for each command under way of a request that carries many."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0
    """What workers have begun and not finished: a stop waits for it, as it does for the relay."""

    def now(self) -> datetime:
        return clock.now()

    def new_id(self) -> UUID:
        return clock.new_id()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A connection for the queries of views."""
        async with self.pool.acquire() as connection:
            yield connection

    def lease(self, name: str) -> contextlib.AbstractAsyncContextManager[Connection]:
        return lease(self.settings.database_dsn.get_secret_value(), name)

    async def readiness(self) -> dict[str, Any]:
        """The truth about database, broker and lag, as /readyz shows it."""
        checks: dict[str, str] = {}
        waiting = parked = None
        shown: dict[str, Any] = {}
        try:
            async with asyncio.timeout(2), self.pool.acquire() as connection:
                waiting = await connection.fetchval(
                    """SELECT coalesce(sum(chain.sequence - relay_cursor.sequence), 0)::bigint
                       FROM chain JOIN relay_cursor USING (partition) WHERE service = $1""",
                    self.service.name.value,
                )
                parked = await connection.fetchval("SELECT count(*) FROM parked WHERE resolved_at IS NULL")
                if self.service.shown is not None:
                    shown = await self.service.shown(connection)
            checks["database"] = "ok"
        except UNREADY as error:
            checks["database"] = type(error).__name__
        asked = asyncio.get_running_loop().time()
        if asked - self.broker_seen[0] >= BROKER_ASKED_EVERY:
            self.broker_seen = (asked, await self._broker())
        checks["broker"] = self.broker_seen[1]
        if self.stopping.is_set():
            checks["process"] = "draining"  # who sends requests on must send them elsewhere
        return {
            "service": self.service.name.value,
            "ready": all(check == "ok" for check in checks.values()),
            "checks": checks,
            # None is not none: who hears no partition, yet or any more, does not know how much there is to hear.
            "lag": {"to_hear": sum(self.lag.values()) if self.lag else None, "to_relay": waiting},
            "parked": parked,
            **shown,
        }

    async def chain_checkpoint(self) -> bytes:
        """The service's signed word on its chains, at most CHECKPOINT_KEPT old: what anybody may ask must cost little."""
        asked = asyncio.get_running_loop().time()
        if asked - self.checkpoint[0] >= CHECKPOINT_KEPT:
            async with self.read() as connection:
                self.checkpoint = (asked, await words.chain_checkpoint(connection, self.ledger.keyring, clock.now()))
        return self.checkpoint[1]

    async def _broker(self) -> str:
        admin = AIOKafkaAdminClient(**self.settings.kafka(), request_timeout_ms=2000)
        try:
            async with asyncio.timeout(3):
                await admin.start()
                (topic,) = await admin.describe_topics([self.settings.topic])
        except PASSING as error:
            return type(error).__name__
        finally:
            with contextlib.suppress(*PASSING):
                await admin.close()
        count = len(topic["partitions"])
        return "ok" if count == PARTITIONS else f"the topic has {count} partitions, must have {PARTITIONS}"


def main(service: Service[C, S]) -> None:
    """The command line of every service."""
    arguments = _parser(service).parse_args()
    settings = settings_.load(service.settings)
    logging.configure(service.name, settings.log_format)
    telemetry.configure(service.name)
    try:
        import uvloop

        uvloop.run(_main(service, settings, arguments))
    except ImportError:
        asyncio.run(_main(service, settings, arguments))
    finally:
        telemetry.shutdown()


def _parser(service: Service[Any, Any]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{service.name}",
        description=f"{service.title}. Every setting comes from the environment (LEDGER_*), see the README.",
    )
    parser.add_argument(
        "--roles",
        default=",".join(ROLES),
        type=lambda text: frozenset(text.split(",")),
        help=f"which parts to run in this process (so that they scale apart), of: {', '.join(service.roles)}; default: %(default)s",
    )
    parser.add_argument(
        "--rebuild-views", action="store_true", help="empty the views, write them again from the ledger, and end"
    )
    parser.add_argument(
        "--relay-again", action="store_true", help="set the relay back to the beginning of every chain, and end"
    )
    parser.add_argument(
        "--replay-parked", type=int, nargs="+", metavar="ID", help="try these parked messages again, and end"
    )
    parser.add_argument(
        "--rebuild-ledger",
        action="store_true",
        help="take from the topic what the database lacks of what was heard and said, and end; the service must be stopped",
    )
    parser.add_argument(
        "--rotate-key",
        action="store_true",
        help="say on every chain that the last key of LEDGER_SIGNING_KEY_FILE is the next one, and end",
    )
    return parser


async def _main(service: Service[C, S], settings: ServiceSettings, arguments: argparse.Namespace) -> None:
    if unknown := sorted(arguments.roles - set(service.roles)):
        sys.exit(f"--roles: {', '.join(unknown)} is not one of {', '.join(service.roles)}")
    async with running(service, settings, arguments.roles, speaks=not arguments.rebuild_ledger) as process:
        if arguments.rebuild_views:
            print(await rebuilding.rebuild_views(process.pool, service.rules))  # noqa: T201
        elif arguments.rebuild_ledger:
            receiver = receiver_of(process, rebuilding=True)
            kafka, topic = settings.kafka(), settings.topic
            try:
                print(await rebuilding.rebuild_ledger(process.pool, receiver, kafka, topic))  # noqa: T201
            except rebuilding.StillRuns as error:
                sys.exit(str(error))
        elif arguments.rotate_key:
            print(await rotation.rotate(process.pool, process.ledger))  # noqa: T201
        elif arguments.relay_again:
            print(await rebuilding.relay_again(process.pool))  # noqa: T201
        elif arguments.replay_parked:
            receiver = receiver_of(process)
            for line in await rebuilding.replay_parked(process.pool, receiver, arguments.replay_parked):
                print(line)  # noqa: T201
        else:
            await run(process)


@contextlib.asynccontextmanager
async def running(
    service: Service[C, S], settings: ServiceSettings, roles: frozenset[str] = frozenset(ROLES), *, speaks: bool = True
) -> AsyncIterator[Running[C, S]]:
    """Opens what a service needs; closes it at the end. Who is to speak must hold the key in force."""
    trusted = trust.load(settings.trust_file)
    keyring = Keyring(service.name, settings.signing_key_file, trusted)
    async with _pool(service.name, settings) as pool:
        if speaks:
            await _speaks_with_a_trusted_key(pool, keyring)
        yield Running(service, settings, pool, Ledger(pool, keyring, service.rules), trusted, roles)


def _pool(service: ServiceName, settings: ServiceSettings) -> "Pool[asyncpg.Record]":
    return _Pool(
        settings.database_dsn.get_secret_value(),
        min_size=2,
        max_size=10,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        setup=None,
        init=None,
        reset=None,
        loop=None,
        connection_class=_Connection,
        record_class=asyncpg.Record,
        command_timeout=30,
        server_settings={
            "application_name": f"incident-ledger {service}",
            "idle_in_transaction_session_timeout": "60s",
        },
    )


class _Pool(Pool):
    def acquire(self, *, timeout: float | None = CONNECTION_WITHIN) -> PoolAcquireContext:
        return super().acquire(timeout=timeout)


class _Connection(asyncpg.Connection):
    def get_reset_query(self) -> str:
        """Nothing to reset: pooled connections hold no session state here, and the query would cost a round trip a use."""
        return ""


async def _speaks_with_a_trusted_key(pool: "Pool[asyncpg.Record]", keyring: Keyring) -> None:
    """Stops the process rather than let it say what every receiver would have to park."""
    async with pool.acquire() as connection:
        chains = await connection.fetch("SELECT * FROM chain WHERE service = $1", keyring.service.value)
        for rotation_ in await rotations(connection, keyring.trust, chains):
            keyring.trust.learn(rotation_)
    try:
        for row in chains:
            keyring.signer({row["partition"]: Head(row["sequence"], row["hash"])})
    except (KeyMissing, BadKeyFile) as error:
        sys.exit(str(error))


async def run(process: Running[C, S]) -> None:
    """Runs the roles until SIGTERM or SIGINT, then drains; raises when one of them dies."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.stopping.set)
    async with asyncio.TaskGroup() as group:
        telemetry.observe_lag(process.lag)
        tasks = [group.create_task(task, name=name) for name, task in _siblings(process)]
        http = group.create_task(_serve(process), name="http") if "http" in process.roles else None
        gc.collect()
        gc.freeze()
        await process.stopping.wait()
        log.info("draining")
        if http is not None:
            await http
        await _drain(process)
        for task in tasks:
            task.cancel()
    log.info("stopped")


def _siblings(process: Running[C, S]) -> Sequence[tuple[str, Any]]:
    siblings: list[tuple[str, Any]] = [("writer", process.ledger.run())]
    if "http" in process.roles:
        siblings.append(("overload", overload.tell()))
    if (port := process.settings.health_port) is not None:
        name, host = process.service.name.value, process.settings.http_host
        siblings.append(("health", health.tell(name, process.readiness, host, port)))
    if "relay" in process.roles:
        relay = Relay(
            process.service.name,
            process.settings.database_dsn.get_secret_value(),
            process.settings.kafka(),
            process.settings.topic,
            process.ledger.appended,
        )
        siblings.append(("relay", persist("relay", relay.run)))
    if "consumer" in process.roles:
        siblings.append(("consumer", persist("consumer", consumer_of(process).run)))
    siblings.extend(
        (worker.__name__, persist(worker.__name__, lambda worker=worker: worker(process)))  # type: ignore[misc]
        for worker in process.service.workers
        if process.roles & {"workers", worker.__name__}
    )
    return siblings


def receiver_of(process: Running[C, S], *, rebuilding: bool = False) -> Receiver[C, S]:
    return Receiver(process.ledger, process.service.rules, process.pool, process.trust, rebuilding)


def consumer_of(process: Running[C, S]) -> Consumer:
    return Consumer(receiver_of(process), process.settings.kafka(), process.settings.topic, process.lag)


async def _serve(process: Running[C, S]) -> None:
    app = create_app(process, process.service.router, process.service.title)
    config = uvicorn.Config(
        app,
        host=process.settings.http_host,
        port=process.settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
        http=connections.protocol(),
        ws="none",
        proxy_headers=False,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=int(DRAIN_WITHIN),
    )
    server = _Server(config)
    stop = asyncio.create_task(process.stopping.wait())
    stop.add_done_callback(lambda _: setattr(server, "should_exit", True))
    try:
        await server.serve(listeners(config))
    finally:
        stop.cancel()
    if not process.stopping.is_set():
        raise RuntimeError(f"the HTTP server ended; is port {process.settings.http_port} in use?")


def listeners(config: uvicorn.Config) -> list[socket.socket]:
    """One address, listened on many times: uvloop lets in one newcomer a turn of its loop and listener. Under overload turns are long,
    and by one listener newcomers waited twenty seconds while others were answered in one."""
    one = config.bind_socket()
    return [one, *(one.dup() for _ in range(LISTENERS - 1))]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Signals are the process's, which drains its siblings in order."""
        yield


async def _drain(process: Running[C, S]) -> None:
    """What was accepted should be on the topic before the process ends; if not, the next start relays it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_WITHIN):
            while process.under_way:
                await asyncio.sleep(0.05)
            while "relay" in process.roles and (await process.readiness())["lag"]["to_relay"]:
                process.ledger.appended.set()
                await asyncio.sleep(0.05)
