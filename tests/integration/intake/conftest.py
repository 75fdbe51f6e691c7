"""Intake on a fresh database, spoken to by HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.local.keys import Keys
from services.intake.__main__ import SERVICE
from services.intake.domain import Command, State
from shared.cli.token import issue
from shared.contract.vocabulary import Role, ServiceName
from shared.runtime.http import create_app
from shared.runtime.service import Running, running
from shared.runtime.settings import ServiceSettings
from tests.integration.conftest import Environment, FreshDatabase


def settings(environment: Environment, service: ServiceName) -> ServiceSettings:
    given = environment.of(service)
    values: dict[str, Any] = {
        name.removeprefix("LEDGER_").lower(): value for name, value in given.items() if name.startswith("LEDGER_")
    }
    return ServiceSettings(**values)


@dataclass(frozen=True, slots=True)
class Intake:
    running: Running[Command, State]
    http: httpx.AsyncClient
    keys: Keys
    database: FreshDatabase

    def token(self, role: Role = Role.SOURCE, name: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {issue(self.keys, name or f'a-{role}', [role])}"}

    async def report(
        self, *, role: Role = Role.SOURCE, headers: dict[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        return await self.http.post("/reports", json=body, headers={**self.token(role), **(headers or {})})

    async def reported(self, **body: Any) -> dict[str, Any]:
        """The receipt of a report that is taken."""
        answer = await self.report(**body)
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    async def get(self, path: str, role: Role | None = Role.RESPONDER) -> httpx.Response:
        return await self.http.get(path, headers=self.token(role) if role else {})

    async def rows(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        async with self.running.read() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *args)
            return rows

    async def count(self, table: str = "ledger") -> int:
        (row,) = await self.rows(f"SELECT count(*) FROM {table}")  # noqa: S608  our own table names
        count: int = row[0]
        return count


@pytest.fixture
async def intake(environment: Environment, keys: Keys) -> AsyncIterator[Intake]:
    async with contextlib.AsyncExitStack() as stack:
        process = await stack.enter_async_context(running(SERVICE, settings(environment, ServiceName.INTAKE)))
        writer = asyncio.create_task(process.ledger.run())
        stack.callback(writer.cancel)
        app = create_app(process, SERVICE.router, SERVICE.title)
        transport = httpx.ASGITransport(app)
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://intake"))
        yield Intake(process, http, keys, environment.databases[ServiceName.INTAKE])
