"""The truth about a process: whether database and broker are there, and how far it is behind, as
/readyz shows it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
from asyncpg.pool import Pool

from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.topic import problem_of
from shared.runtime.process.database import Connection
from shared.runtime.process.kept import Kept
from shared.runtime.process.lag import Lag
from shared.runtime.process.persistence import PASSING

DATABASE_WITHIN: Final = 2.0
"""Seconds that the database has to answer."""
BROKER_ASKED_EVERY: Final = 1.0
"""Seconds between two questions to the broker, however often readiness is asked for."""
UNREADY: Final[tuple[type[Exception], ...]] = (*PASSING, asyncpg.PostgresError)
OK: Final = "ok"

Show = Callable[[Connection], Awaitable[dict[str, Any]]]


@dataclass(slots=True)
class Readiness:
    service: ServiceName
    pool: "Pool[asyncpg.Record]"
    kafka: Mapping[str, Any]
    topic: str
    lag: Lag
    stopping: asyncio.Event
    show: Show | None
    """What the service shows besides, out of its database."""
    text_lag: Lag = field(default_factory=Lag)
    _broker: Kept[str | None] = field(init=False)

    def __post_init__(self) -> None:
        self._broker = Kept(lambda: problem_of(self.kafka, self.topic), BROKER_ASKED_EVERY)

    async def __call__(self) -> dict[str, Any]:
        checks: dict[str, str] = {}
        stands: dict[str, Any] = {"to_relay": None, "parked": None, "shown": {}}
        try:
            async with asyncio.timeout(DATABASE_WITHIN), self.pool.acquire() as connection:
                stands = await self._stands(connection)
            checks["database"] = OK
        except UNREADY as error:
            checks["database"] = type(error).__name__
        checks["broker"] = await self._broker.get() or OK
        if self.stopping.is_set():
            checks["process"] = "draining"  # a load balancer sends requests elsewhere from now on
        return {
            "service": self.service.value,
            "ready": all(check == OK for check in checks.values()),
            "checks": checks,
            "lag": {
                "to_hear": self.lag.to_hear,
                "to_relay": stands["to_relay"],
                "texts_to_hear": self.text_lag.to_hear,
            },
            "parked": stands["parked"],
            **stands["shown"],
        }

    async def _stands(self, connection: Connection) -> dict[str, Any]:
        return {
            "to_relay": await connection.fetchval(
                """SELECT coalesce(sum(chain.sequence - relay_cursor.sequence), 0)::bigint
                   FROM chain JOIN relay_cursor USING (partition) WHERE service = $1""",
                self.service.value,
            ),
            "parked": await connection.fetchval(
                "SELECT count(*) FROM parked WHERE resolved_at IS NULL"
            ),
            "shown": {} if self.show is None else await self.show(connection),
        }
