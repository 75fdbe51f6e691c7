"""A connection as the driver offers it: it notes each statement, and gives the rows that it was
told to give."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """One statement: the method that it was given to, its first words, its arguments."""

    method: str
    sql: str
    args: tuple[Any, ...]


@dataclass(slots=True)
class Driver:
    """Answers in the order of `answers`; an exception among them is raised. When none is left: no
    rows, no value."""

    answers: list[Any] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    savepoints: list[str] = field(default_factory=list)

    def _next(self, method: str, sql: str, args: Sequence[Any], otherwise: Any) -> Any:
        self.asked.append(Asked(method, " ".join(sql.split()), tuple(args)))
        answer = self.answers.pop(0) if self.answers else otherwise
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def fetch(self, sql: str, *args: Any) -> Any:
        return self._next("fetch", sql, args, [])

    async def fetchrow(self, sql: str, *args: Any) -> Any:
        return self._next("fetchrow", sql, args, None)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        return self._next("fetchval", sql, args, None)

    async def execute(self, sql: str, *args: Any) -> Any:
        return self._next("execute", sql, args, "")

    async def executemany(self, sql: str, rows: Sequence[Any]) -> Any:
        return self._next("executemany", sql, list(rows), None)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        self.savepoints.append("begun")
        try:
            yield
        except BaseException:
            self.savepoints.append("undone")
            raise
        self.savepoints.append("kept")

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator["Driver"]:
        """A pool of one."""
        yield self
