"""Starts each part of a stack and waits until it answers: Postgres with its databases, Kafka with
its topic, a service."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable

import httpx

from deploy.local import kafka, postgres
from deploy.local.described import databases
from deploy.local.environment import of_server, of_service
from deploy.local.errors import StackError
from deploy.local.keeper import Keeper
from deploy.local.keys import Keys
from deploy.local.ports import Ports
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.topic import WrongTopic, ensure_topic
from shared.runtime.repair import schema

log = logging.getLogger("ledger.stack")

Say = Callable[[str], None]


async def start_postgres(keeper: Keeper, ports: Ports, keys: Keys, say: Say) -> None:
    """Runs Postgres, and creates and migrates what is missing in it. Raises StackError."""
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
    await keeper.until(child, lambda: postgres.answers(keeper.stack.admin_dsn))
    try:
        await asyncio.to_thread(_migrate, keeper.stack.admin_dsn, keys)
    except schema.SchemaError as error:
        raise StackError(str(error)) from error


def _migrate(admin_dsn: str, keys: Keys) -> None:
    for database in databases(admin_dsn, keys):
        for made in (*schema.create(database), *schema.migrate(database)):
            log.info("%s: made %s", database.database, made)


async def start_kafka(keeper: Keeper, ports: Ports, say: Say) -> None:
    """Runs Kafka, and makes the topic where it is missing. Raises StackError."""
    broker = keeper.stack.broker
    server = await asyncio.to_thread(
        kafka.prepare, keeper.stack.data, broker, ports["kafka-controller"], say
    )
    child = keeper.keep("kafka", server.command(), of_server(), cwd=server.folder)
    await keeper.until(child, lambda: kafka.answers(broker))
    try:
        await ensure_topic(broker.client(), keeper.stack.topic)
    except WrongTopic as error:
        raise StackError(str(error)) from error


async def start_service(keeper: Keeper, service: ServiceName) -> str | None:
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
