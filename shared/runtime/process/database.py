"""What speaks to Postgres: the types of a connection and a row."""

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Connection = asyncpg.Connection  # asyncpg's classes take no type parameters at run time


class Row(Protocol):
    """A row of a query, by column name."""

    def __getitem__(self, name: str, /) -> Any: ...
