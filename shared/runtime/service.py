"""How a service runs: HTTP, writer, relay, consumer and its own workers as siblings of one process.

If one of them fails for a reason that does not pass by itself, the process ends, loudly, and is
restarted by whoever runs it: never a service that answers and relays nothing."""

import argparse
import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

import asyncpg
import structlog
from asyncpg.pool import Pool

from shared.chain.keyfiles import BadKeyFile
from shared.runtime.carry.relay import Relay
from shared.runtime.hear.consumer import Consumer
from shared.runtime.hear.receiver import Receiver
from shared.runtime.process import early, logging, telemetry
from shared.runtime.process import settings as settings_
from shared.runtime.process.keyfiles import load_trust
from shared.runtime.process.persistence import persist
from shared.runtime.process.pool import pool_of
from shared.runtime.process.settings import ServiceSettings
from shared.runtime.repair import rebuilding, rotation, settling
from shared.runtime.running import ROLES, Running, Service
from shared.runtime.say.keyring import KeyMissing, Keyring
from shared.runtime.say.ledger import Ledger
from shared.runtime.say.tables import chains_of, heads_of, learn_rotations
from shared.runtime.web import health, overload
from shared.runtime.web.server import DRAIN_WITHIN, serve

__all__ = ["Service", "main"]

C = TypeVar("C")
S = TypeVar("S")

log = structlog.get_logger(__name__)


def main(service: Service[C, S]) -> None:
    """The command line of every service."""
    arguments = _parser(service).parse_args()
    settings = settings_.load(service.settings)
    logging.configure(service.name, settings.log_format)
    if early.FORGOTTEN:
        log.info("variables meant for other programs are ignored", names=early.FORGOTTEN)
    try:
        telemetry.configure(service.name)
    except ValueError as error:
        sys.exit(f"an OTEL_* variable cannot be used: {error}")
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
        "--rebuild-views",
        action="store_true",
        help="empty the views, write them again from the ledger, and end",
    )
    parser.add_argument(
        "--relay-again",
        action="store_true",
        help="set the relay back to the beginning of every chain, and end",
    )
    parser.add_argument(
        "--replay-parked",
        type=int,
        nargs="+",
        metavar="ID",
        help="try these parked messages again, and end",
    )
    parser.add_argument(
        "--settle-parked",
        type=int,
        nargs="+",
        metavar="ID",
        help="say that these parked messages will never be heard, and end",
    )
    for name in ("reason", "proposed-by", "confirmed-by"):
        parser.add_argument(f"--{name}", default="", help="with --settle-parked")
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


async def _main(
    service: Service[C, S], settings: ServiceSettings, arguments: argparse.Namespace
) -> None:
    if unknown := sorted(arguments.roles - set(service.roles)):
        sys.exit(f"--roles: {', '.join(unknown)} is not one of {', '.join(service.roles)}")
    async with running(
        service, settings, arguments.roles, speaks=not arguments.rebuild_ledger
    ) as process:
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
        elif arguments.settle_parked:
            await _settle(process, arguments)
        elif arguments.replay_parked:
            receiver = receiver_of(process)
            for line in await rebuilding.replay_parked(
                process.pool, receiver, arguments.replay_parked
            ):
                print(line)  # noqa: T201
        else:
            await run(process)


async def _settle(process: Running[C, S], arguments: argparse.Namespace) -> None:
    try:
        settlement = settling.Settlement(
            arguments.reason, arguments.proposed_by, arguments.confirmed_by
        )
        lines = await settling.settle(
            process.pool, process.ledger, arguments.settle_parked, settlement
        )
    except settling.CannotSettle as error:
        sys.exit(str(error))
    for line in lines:
        print(line)  # noqa: T201


@contextlib.asynccontextmanager
async def running(
    service: Service[C, S],
    settings: ServiceSettings,
    roles: frozenset[str] = frozenset(ROLES),
    *,
    speaks: bool = True,
) -> AsyncIterator[Running[C, S]]:
    """Opens what a service needs; closes it at the end. Who is to speak must hold the key in
    force."""
    trusted = load_trust(settings.trust_file)
    keyring = Keyring(service.name, settings.signing_key_file, trusted)
    async with pool_of(service.name, settings) as pool:
        if speaks:
            await _speaks_with_a_trusted_key(pool, keyring)
        yield Running(service, settings, pool, Ledger(pool, keyring, service.rules), trusted, roles)


async def _speaks_with_a_trusted_key(pool: "Pool[asyncpg.Record]", keyring: Keyring) -> None:
    """Stops the process rather than let it say what every receiver would have to park."""
    async with pool.acquire() as connection:
        chains = await chains_of(connection, keyring.service)
        await learn_rotations(connection, keyring.trust, chains)
    try:
        for partition, head in heads_of(chains).items():
            keyring.signer({partition: head})
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
        http = group.create_task(serve(process), name="http") if "http" in process.roles else None
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
            process.ledger.writer.appended,
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
    return Consumer(
        receiver_of(process), process.settings.kafka(), process.settings.topic, process.lag
    )


async def _drain(process: Running[C, S]) -> None:
    """What was accepted should be on the topic before the process ends; if not, the next start
    relays it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_WITHIN):
            while process.under_way:
                await asyncio.sleep(0.05)
            while "relay" in process.roles and (await process.readiness())["lag"]["to_relay"]:
                process.ledger.writer.appended.set()
                await asyncio.sleep(0.05)
