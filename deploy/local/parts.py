"""Starts each part of a stack and waits until it answers: Postgres with its databases, Kafka with
its topic, the services.

Postgres and Kafka start at once; the services follow when both answer."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable

import httpx

from deploy.local import kafka, postgres
from deploy.local.environment import of_server, of_service
from deploy.local.errors import StackError
from deploy.local.keeper import Keeper
from deploy.local.ports import Ports
from shared.contract.vocabulary import ServiceName

log = logging.getLogger("ledger.stack")

Say = Callable[[str], None]


async def start_all(keeper: Keeper, ports: Ports, say: Say, *, services: bool) -> list[str]:
    """Starts everything, or without `services` Postgres and Kafka alone; the services that did not
    become ready. Raises StackError when Postgres or Kafka cannot start."""
    say("starting Postgres and Kafka")
    async with asyncio.TaskGroup() as both:
        both.create_task(_start_postgres(keeper, ports, say))
        both.create_task(_start_kafka(keeper, ports, say))
    wanted = tuple(ServiceName) if services else ()
    say("starting the services" if wanted else "leaving the services out")
    not_ready = await asyncio.gather(*(_start_service(keeper, service) for service in wanted))
    return [name for name in not_ready if name is not None]


async def _start_postgres(keeper: Keeper, ports: Ports, say: Say) -> None:
    """Runs Postgres, and creates and migrates what is missing in it."""
    keys, admin_dsn = keeper.stack.keys, keeper.stack.admin_dsn
    password = keys.passwords()[postgres.SUPERUSER]
    server = await asyncio.to_thread(
        postgres.prepare, keeper.stack.data, ports["postgres"], password, say
    )
    child = keeper.keep(
        "postgres",
        server.command(),
        of_server(),
        cwd=server.cluster,
        stop_signal=signal.SIGINT,
        account=server.account.popen if server.account is not None else {},
    )
    await keeper.until(child, lambda: postgres.answers(admin_dsn))
    for made in await asyncio.to_thread(postgres.migrate, admin_dsn, keys):
        log.info("%s", made)


async def _start_kafka(keeper: Keeper, ports: Ports, say: Say) -> None:
    """Runs Kafka, and makes the topic where it is missing."""
    broker = keeper.stack.broker
    server = await asyncio.to_thread(
        kafka.prepare, keeper.stack.data, broker, ports["kafka-controller"], say
    )
    child = keeper.keep("kafka", server.command(), of_server(), cwd=server.folder)
    await keeper.until(child, lambda: kafka.answers(broker))
    await kafka.make_topic(broker, keeper.stack.topic)


async def _start_service(keeper: Keeper, service: ServiceName) -> str | None:
    """None when it became ready, else its name."""
    local = keeper.stack.services[service]
    command = [sys.executable, "-m", f"services.{service}"]
    child = keeper.keep(service.value, command, of_service(local.env))
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:

        async def ready() -> bool:
            try:
                return (await client.get(f"{local.url}/readyz")).is_success
            except httpx.HTTPError:
                return False

        try:
            await keeper.until(child, ready)
        except StackError as error:
            log.warning("%s", error)
            return service.value
    return None
