"""A service, and what it runs with: what routes and workers are handed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import asyncpg
from asyncpg.pool import Pool
from fastapi import APIRouter

from shared.chain.trust import Trust
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock
from shared.runtime.process.database import Connection
from shared.runtime.process.kept import Kept
from shared.runtime.process.lag import Lag
from shared.runtime.process.lease import lease
from shared.runtime.process.secretfiles import secret_in
from shared.runtime.process.settings import ServiceSettings
from shared.runtime.readiness import Readiness, Show
from shared.runtime.say import words
from shared.runtime.say.ledger import Ledger
from shared.runtime.say.people import People
from shared.runtime.say.rules import Rules

C = TypeVar("C")
S = TypeVar("S")
R = TypeVar("R")
Z = TypeVar("Z", bound=ServiceSettings)

ROLES: Final = ("http", "relay", "consumer", "workers")

MANY: Final = 2000
"""Commands of requests that carry many, under way at a time, of all such requests together. The
others wait for their turn."""
CHECKPOINT_KEPT: Final = 1.0
"""Seconds that a signed chain checkpoint is given out before a new one is made."""


@dataclass(frozen=True, slots=True)
class Resources(Generic[Z, R]):
    """What a service has beside what all services have: settings of its own, and what it opens with
    them for as long as it runs."""

    settings: type[Z]
    open: Callable[[Z], contextlib.AbstractAsyncContextManager[R]]


@contextlib.asynccontextmanager
async def _nothing(_: ServiceSettings) -> AsyncIterator[None]:
    yield


NOTHING: Final[Resources[Any, Any]] = Resources(ServiceSettings, _nothing)


@dataclass(frozen=True, slots=True)
class Service(Generic[C, S, R]):
    """Everything that makes one service different from another."""

    name: ServiceName
    title: str
    rules: Rules[C, S]
    router: APIRouter
    resources: Resources[Any, R] = NOTHING
    workers: tuple[Callable[["Running[C, S, R]"], Awaitable[None]], ...] = ()
    """Each may also run alone: its name is a role."""
    beside: tuple[Rules[Any, Any], ...] = ()
    """For further kinds of subject than that of `rules`."""
    shown: Show | None = None
    """What its readiness shows besides, out of its database."""

    @property
    def settings(self) -> type[ServiceSettings]:
        settings: type[ServiceSettings] = self.resources.settings
        return settings

    @property
    def kinds(self) -> tuple[Rules[Any, Any], ...]:
        """The rules of every kind of subject that the service knows."""
        return (self.rules, *self.beside)

    @property
    def roles(self) -> tuple[str, ...]:
        return (*ROLES, *(worker.__name__ for worker in self.workers))


@dataclass(slots=True)
class Running(Generic[C, S, R]):
    """A service with its connections: what routes and workers are handed."""

    service: Service[C, S, R]
    settings: ServiceSettings
    resources: R
    pool: "Pool[asyncpg.Record]"
    ledger: Ledger[C, S]
    trust: Trust
    roles: frozenset[str]
    lag: Lag = field(default_factory=Lag)
    text_lag: Lag = field(default_factory=Lag)
    many: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MANY))
    """Room for each command under way of a request that carries many."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0
    """What workers have begun and not finished: a stop waits for it, as it does for the relay."""
    people: People = field(init=False)
    readiness: Readiness = field(init=False)
    _checkpoint: Kept[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.people = People(secret_in(self.settings.pseudonym_key_file))
        self.readiness = Readiness(
            self.service.name,
            self.pool,
            self.settings.kafka(),
            self.settings.topic,
            self.lag,
            self.stopping,
            self.service.shown,
            self.text_lag,
        )
        self._checkpoint = Kept(self._sign_checkpoint, CHECKPOINT_KEPT)

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

    async def chain_checkpoint(self) -> bytes:
        """The service's signed word on its chains, at most CHECKPOINT_KEPT old: what anybody may
        ask must cost little."""
        return await self._checkpoint.get()

    async def _sign_checkpoint(self) -> bytes:
        async with self.read() as connection:
            return await words.chain_checkpoint(connection, self.ledger.keyring, clock.now())
