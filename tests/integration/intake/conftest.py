"""Intake on a fresh database, spoken to by HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from services.intake import queries
from services.intake.__main__ import SERVICE
from services.intake.sources import registration
from shared.contract.authority import Role
from tests.integration.conftest import Environment
from tests.integration.serving import Served, serving


@dataclass(frozen=True, slots=True)
class Intake(Served):
    def token(
        self, role: Role | None = Role.SOURCE, name: str | None = None, holds: Any = None
    ) -> dict[str, str]:
        return Served.token(self, role, name, holds)

    async def report(
        self, *, role: Role = Role.SOURCE, headers: dict[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        return await self.post("/reports", body, role, headers=headers)

    async def reported(self, **body: Any) -> dict[str, Any]:
        """The receipt of a report that is taken."""
        answer = await self.report(**body)
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    async def register(self, subject: str, source: str, **may: bool) -> None:
        """As `ledger source add` does; counts from the next request on."""
        connection = await asyncpg.connect(self.database.owner_dsn)
        one = registration(subject, source, **may)
        await queries.register(connection, self.running.people, one, self.running.now())
        await connection.close()

    async def end(self, subject: str, source: str) -> None:
        """As `ledger source end` does."""
        connection = await asyncpg.connect(self.database.owner_dsn)
        people, now = self.running.people, self.running.now()
        assert await queries.end_registration(connection, people, subject, source, now)
        await connection.close()

    async def forget(self, days: int) -> None:
        """As the worker does, the keys of anonymous reports that are older."""
        async with self.running.read() as connection:
            before = self.running.now() - timedelta(days=days)
            await queries.forget_anonymous_keys(connection, before)


def intake_of(served: Served) -> Intake:
    return Intake(*(getattr(served, field.name) for field in fields(served)))


@pytest.fixture
async def intake(environment: Environment) -> AsyncIterator[Intake]:
    async with serving(environment, SERVICE, "writer") as served:
        yield intake_of(served)
