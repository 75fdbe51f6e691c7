"""A connection to a database that has certain rows: what the queries of the services are put to."""

from typing import Any


class Answering:
    """The driver's side of a query: answers with these rows, and keeps what it was asked with."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows, self.args, self.sql = rows, (), ""

    async def fetch(self, sql: str, *args: Any) -> list[dict[str, Any]]:
        self.sql, self.args = sql, args
        return list(self.rows)

    async def fetchrow(self, sql: str, *args: Any) -> dict[str, Any] | None:
        self.sql, self.args = sql, args
        return self.rows[0] if self.rows else None
