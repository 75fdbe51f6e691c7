"""A service and what it runs with: what routes and workers are handed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from asyncpg.pool import Pool
from fastapi import APIRouter

from shared.chain.trust import Trust
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock
from shared.runtime.process.database import Connection
from shared.runtime.process.lag import Lag
from shared.runtime.process.lease import lease
from shared.runtime.process.persistence import PASSING
from shared.runtime.process.settings import ServiceSettings
from shared.runtime.say import words
from shared.runtime.say.ledger import Ledger
from shared.runtime.say.rules import Rules

C = TypeVar("C")
S = TypeVar("S")

ROLES: Final = ("http", "relay", "consumer", "workers")

MANY: Final = 2000
"""Commands of requests that carry many, under way at a time, of all such requests together. The
others wait for their turn."""


BROKER_ASKED_EVERY: Final = 1.0
"""Seconds between two questions to the broker, however often readiness is asked for."""
CHECKPOINT_KEPT: Final = 1.0
"""Seconds that a signed chain checkpoint is given out before a new one is made."""
UNREADY: Final[tuple[type[Exception], ...]] = (*PASSING, asyncpg.PostgresError)


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
    trust: Trust
    roles: frozenset[str]
    lag: Lag = field(default_factory=Lag)
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
                parked = await connection.fetchval(
                    "SELECT count(*) FROM parked WHERE resolved_at IS NULL"
                )
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
            "lag": {"to_hear": self.lag.to_hear, "to_relay": waiting},
            "parked": parked,
            **shown,
        }

    async def chain_checkpoint(self) -> bytes:
        """The service's signed word on its chains, at most CHECKPOINT_KEPT old: what anybody may
        ask must cost little."""
        asked = asyncio.get_running_loop().time()
        if asked - self.checkpoint[0] >= CHECKPOINT_KEPT:
            async with self.read() as connection:
                self.checkpoint = (
                    asked,
                    await words.chain_checkpoint(connection, self.ledger.keyring, clock.now()),
                )
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
        return (
            "ok"
            if count == PARTITIONS
            else f"the topic has {count} partitions, must have {PARTITIONS}"
        )
