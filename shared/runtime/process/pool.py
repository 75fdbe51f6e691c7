"""A service's pool of connections to its database."""

from typing import Final

import asyncpg
from asyncpg.pool import Pool, PoolAcquireContext

from shared.contract.vocabulary import ServiceName
from shared.runtime.process.settings import ServiceSettings

CONNECTION_WITHIN: Final = 10.0
"""Seconds that anybody waits for a connection to the database: when it hangs, who waits is told
so."""


def pool_of(service: ServiceName, settings: ServiceSettings) -> "Pool[asyncpg.Record]":
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
        """Nothing to reset: pooled connections hold no session state here, and the query would cost
        a round trip a use."""
        return ""
