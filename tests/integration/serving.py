"""A service of ours on databases of its own, spoken to by HTTP as its callers do; and the others,
who say what they are told to."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
import httpx
from fastapi import APIRouter

from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData
from shared.contract.decision import Actor, Context
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry.relay import Relay
from shared.runtime.process.persistence import persist
from shared.runtime.running import Running
from shared.runtime.say.rules import Rules
from shared.runtime.service import Service, consumer_of, running
from shared.runtime.siblings import text_consumer_of
from shared.runtime.web.app import create_app
from tests.integration.conftest import Environment, FreshDatabase

NOBODY = UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000)
WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Served:
    """A service that answers."""

    running: Running[Any, Any, Any]
    http: httpx.AsyncClient
    keys: Keys
    database: FreshDatabase

    def token(
        self, role: Role | None, name: str | None = None, holds: timedelta | None = None
    ) -> dict[str, str]:
        roles = [role] if role else []
        token = issue(self.keys, name or f"a-{role}", roles, holds or timedelta(hours=1))
        return {"Authorization": f"Bearer {token}"}

    async def get(
        self,
        path: str,
        role: Role | None = Role.RESPONDER,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> httpx.Response:
        token = self.token(role) if role else {}
        return await self.http.get(path, params=query or None, headers={**token, **(headers or {})})

    async def post(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        role: Role | None = Role.RESPONDER,
        name: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        token = self.token(role, name) if role else {}
        return await self.http.post(path, json=body, headers={**token, **(headers or {})})

    async def listed(
        self, path: str, role: Role = Role.RESPONDER, **filters: Any
    ) -> list[dict[str, Any]]:
        """All that a list has, read page by page."""
        items: list[dict[str, Any]] = []
        cursor = None
        while True:
            answer = await self.get(
                f"{path}?{urlencode({**filters, **({'cursor': cursor} if cursor else {})})}", role
            )
            assert answer.status_code == 200, answer.text
            items += answer.json()["items"]
            assert len(answer.json()["items"]) <= filters.get("limit", 50)
            if (cursor := answer.json()["next"]) is None:
                return items

    async def rows(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        async with self.running.read() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *args)
            return rows

    async def count(self, table: str = "ledger") -> int:
        (row,) = await self.rows(f"SELECT count(*) FROM {table}")  # noqa: S608  our own table names
        count: int = row[0]
        return count


def siblings(process: Running[Any, Any, Any], parts: Sequence[str]) -> list[Any]:
    """Those of writer, relay, consumer, texts and the service's own workers that are named, to be
    run."""
    about = process.settings
    dsn, kafka = about.database_dsn.get_secret_value(), about.kafka()
    relay = Relay(process.service.name, dsn, kafka, about.topic, process.ledger.writer.appended)
    runs: dict[str, Callable[[], Any]] = {
        "writer": process.ledger.run,
        "relay": lambda: persist("relay", relay.run),
        "consumer": lambda: persist("consumer", consumer_of(process).run),
        "texts": lambda: persist("texts", text_consumer_of(process).run),
    }
    for worker in process.service.workers:
        runs[worker.__name__] = functools.partial(
            persist, worker.__name__, functools.partial(worker, process)
        )
    return [runs[part]() for part in parts]


@contextlib.asynccontextmanager
async def process(
    environment: Environment, service: Service[Any, Any, Any], *parts: str
) -> AsyncIterator[Running[Any, Any, Any]]:
    """One replica of the service, with the parts of it that are named."""
    given = {
        name.removeprefix("LEDGER_").lower(): value
        for name, value in environment.of(service.name).items()
    }
    settings = service.settings(
        **{name: value for name, value in given.items() if name in service.settings.model_fields}
    )
    async with running(service, settings) as opened:
        tasks = [asyncio.create_task(run) for run in siblings(opened, parts)]
        try:
            yield opened
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(
    environment: Environment, service: Service[Any, Any, Any], *parts: str
) -> AsyncIterator[Served]:
    async with process(environment, service, *(parts or ("writer",))) as opened:
        transport = httpx.ASGITransport(create_app(opened, service.router, service.title))
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://{service.name}"
        ) as http:
            yield Served(opened, http, environment.keys, environment.databases[service.name])


@dataclass(slots=True)
class Others:
    """The services around the one that is tested: real ledgers and relays, and no rules of their
    own."""

    processes: dict[ServiceName, Running[Any, Any, Any]]

    async def say(self, incident: UUID, *said: EventData, by: str = "somebody") -> None:
        for data in said:
            process = self.processes[data.SAID_BY]
            await process.ledger.carry_out(
                incident, data, Context(process.now(), Actor(by)), must_exist=False
            )


@contextlib.asynccontextmanager
async def others(
    environment: Environment, *names: ServiceName, parts: Sequence[str] = ()
) -> AsyncIterator[Others]:
    async with contextlib.AsyncExitStack() as stack:
        processes = {}
        for name in names:
            service = Service(name, "Says what it is told to", _SAYS_ALL, APIRouter())
            processes[name] = await stack.enter_async_context(
                process(environment, service, "writer", "relay", *parts)
            )
        yield Others(processes)


_SAYS_ALL: Final[Rules[EventData, None]] = Rules(
    initial=None,
    decide=lambda data, _, __: [data],
    edition=lambda _command, _state: 1,
    evolve=lambda state, _: state,
    project=lambda _: (),
    view_tables=(),
)


async def until(true: Callable[[], Awaitable[bool]], what: str) -> None:
    """Waits until the awaitable condition holds; fails with `what` after a deadline."""
    try:
        async with asyncio.timeout(WITHIN):
            while not await true():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {WITHIN:g} s: {what}") from None


def says_all(service: Service[Any, Any, Any]) -> Service[Any, Any, Any]:
    """The same service, which also says whatever it is told to."""
    rules = service.rules

    def decide(command: Any, state: Any, context: Context) -> Sequence[EventData]:
        return (
            [command] if isinstance(command, EventData) else rules.decide(command, state, context)
        )

    return replace(service, rules=replace(rules, decide=decide))
