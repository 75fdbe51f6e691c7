"""The four databases from which an empty topic is filled."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from shared.chain.link import Head
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.tables import set_back
from shared.runtime.process.database import Connection
from shared.runtime.say.tables import lock_chains

Heads = Mapping[tuple[ServiceName, int], Head]


class CannotRefill(ValueError):
    """The topic cannot be filled; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Databases:
    """Each service's database, entered as the service, with the heads that it holds."""

    connections: Mapping[ServiceName, Connection]
    heads: Mapping[ServiceName, Heads]

    def fullest(self, service: ServiceName, partition: int) -> ServiceName:
        """The service that holds most of a chain: the one that says it, unless another holds
        more."""
        chain = (service, partition)
        return max(
            ServiceName, key=lambda owner: (self.heads[owner][chain].sequence, owner == service)
        )

    def lacking(self) -> list[str]:
        """A line for each chain of which another service holds more than the one that says it."""
        return [
            f"{service}/{partition}: {service} holds {own.sequence} events, "
            f"{fullest} {self.heads[fullest][chain].sequence}; "
            f"before {service} starts: ledger rebuild {service} --heard"
            for chain in sorted(self.heads[ServiceName.INTAKE])
            for service, partition in [chain]
            if (own := self.heads[service][chain]).sequence
            < self.heads[fullest := self.fullest(service, partition)][chain].sequence
        ]


@asynccontextmanager
async def opened(dsns: Mapping[ServiceName, str]) -> AsyncIterator[Databases]:
    """Every service's database, of which none may run. Raises CannotRefill."""
    async with AsyncExitStack() as stack:
        connections: dict[ServiceName, Connection] = {}
        for service, dsn in dsns.items():
            connections[service] = connection = await asyncpg.connect(dsn)
            stack.push_async_callback(connection.close)
            if await connection.fetchval(
                """SELECT count(*) FROM pg_stat_activity
                   WHERE application_name = $1 AND datname = current_database()""",
                f"incident-ledger {service}",
            ):
                raise CannotRefill(f"{service} runs on its database: stop all services first")
        heads = {service: await _heads(connection) for service, connection in connections.items()}
        yield Databases(connections, heads)


async def _heads(connection: Connection) -> Heads:
    rows = await connection.fetch("SELECT service, partition, sequence, hash FROM chain")
    return {
        (ServiceName(row["service"]), row["partition"]): Head(row["sequence"], row["hash"])
        for row in rows
    }


async def _forget(connection: Connection) -> None:
    """Sets relay and receiver back to the beginning. Parked messages keep their bytes and lose
    their offsets, at which other messages will stand."""
    async with connection.transaction():
        await set_back(connection)
        await connection.execute(
            "UPDATE parked SET kafka_offset = -parked_id WHERE kafka_offset >= 0"
        )


async def forget_the_old_topic(databases: Databases) -> None:
    """Has every service relay all and hear all from here on, whatever becomes of this refill."""
    for connection in databases.connections.values():
        await _forget(connection)


@asynccontextmanager
async def locked(databases: Databases) -> AsyncIterator[None]:
    """One transaction on each database, in which nothing is said or heard."""
    async with AsyncExitStack() as stack:
        for connection in databases.connections.values():
            await stack.enter_async_context(connection.transaction())
            await lock_chains(connection)
        yield
