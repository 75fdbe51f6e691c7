"""Rows about events on their way: ledger to Kafka, Kafka to ledger, ledger to reader, and the whole
journey."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import cast
from uuid import UUID

import asyncpg

from services.triage.__main__ import SERVICE as TRIAGE
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry import relay
from shared.runtime.repair.view_rebuilding import pages
from tests.bench import peers
from tests.bench import world as worlds
from tests.bench.appends import TOGETHER, append_in_bulk
from tests.bench.callers import length_of, request
from tests.bench.intake import REPORT
from tests.bench.measure import Sides
from tests.bench.world import World
from tests.integration.conftest import Databases, Environment
from tests.integration.runtime.processes import Process, process

WITHIN = 300.0
CONNECTIONS = 256
"""Fewer than a service has places for, so that no post is refused."""


@contextlib.asynccontextmanager
async def relay_and_send_batch(world: World) -> AsyncIterator[Sides]:
    async with world.ground() as ground, process(ground, ServiceName.INTAKE, parts=[]) as intake:
        count = world.count(20_000)
        await append_in_bulk(intake, 100)
        values = [row["envelope"] for row in await intake.rows()]

        async def ours() -> float:
            await append_in_bulk(intake, count)
            return await relay_all(intake, count)

        async def peer() -> float:
            sent = (values * (count // len(values) + 1))[:count]
            return await peers.send_batches(
                {"bootstrap_servers": ground.bootstrap}, ground.topic, sent, relay.BATCH
            )

        yield Sides(ours, peer)


@contextlib.asynccontextmanager
async def hear(world: World) -> AsyncIterator[Sides]:
    """Triage hears what intake said to 64 callers: signature, chain, ledger and views, from an
    empty database each round."""
    async with world.ground() as ground, process(ground, ServiceName.INTAKE, parts=[]) as intake:
        count = world.count(20_000)
        await append_in_bulk(intake, count, TOGETHER)
        await relay_all(intake, count)

        async def ours() -> float:
            databases = Databases(ground.databases.admin_dsn)
            try:
                return await _hear_all(replace(ground, databases=databases), count)
            finally:
                databases.drop()

        yield Sides(ours)


@contextlib.asynccontextmanager
async def replay_and_library(world: World) -> AsyncIterator[Sides]:
    async with (
        world.ground() as ground,
        process(ground, ServiceName.INTAKE, parts=[]) as intake,
        peers.library(ground.databases[ServiceName.NOTIFY].admin_dsn) as library,
    ):
        count = world.count(20_000)
        await append_in_bulk(intake, count)
        await library.save_together(count)
        yield Sides(lambda: _replay(intake, count), lambda: library.read_log(count))


@contextlib.asynccontextmanager
async def journey(world: World) -> AsyncIterator[Sides]:
    async with (
        world.ground() as ground,
        worlds.service(ground, ServiceName.INTAKE) as (port, _),
        worlds.service(ground, ServiceName.REVIEW),
    ):
        message = request("/reports", json.dumps(REPORT).encode(), world.token())
        review = await asyncpg.connect(ground.databases[ServiceName.REVIEW].service_dsn)
        yield Sides(lambda: _journey(port, message, review, world.seconds(5)))
        await review.close()


async def relay_all(said: Process, count: int) -> float:
    """Events a second, from the relay's start until its cursor stands at the head of every
    chain."""
    start = time.perf_counter()
    said.start("relay")
    await _until(
        said.running.pool,
        """SELECT bool_and(chain.sequence = relay_cursor.sequence)
               FROM chain JOIN relay_cursor USING (partition)
           WHERE service = 'intake'""",
    )
    rate = count / (time.perf_counter() - start)
    await said.stop()
    return rate


async def _hear_all(ground: Environment, count: int) -> float:
    async with process(ground, ServiceName.TRIAGE, TRIAGE.rules, parts=[]) as triage:
        start = time.perf_counter()
        triage.start("consumer")
        await _until(
            triage.running.pool,
            "SELECT sum(sequence) >= $1 FROM chain WHERE service = 'intake'",
            float(count),
        )
        rate = count / (time.perf_counter() - start)
        assert await triage.parked() == []
    return rate


async def _replay(intake: Process, count: int) -> float:
    """Events a second, read from the ledger in order, each decoded and hashed."""
    start = time.perf_counter()
    async with intake.running.pool.acquire() as connection:
        read = sum([len(page) async for page in pages(connection)])
    assert read >= count
    return count / (time.perf_counter() - start)


async def _journey(
    port: int, message: bytes, review: asyncpg.Connection, seconds: float, a_second: int = 1000
) -> float:
    """Milliseconds in which 99 of 100 reports are visible in review, from when each was due to be
    sent, at so many posts a second.

    Every tenth is watched. Posts are due by the clock, whether earlier ones are answered or not;
    one that finds no connection free waits for one, and its time runs on."""
    loop = asyncio.get_running_loop()
    office = _Office(message, asyncio.Queue())
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: _Poster(office), "127.0.0.1", port)
    took: list[float] = []

    async def watch() -> None:
        while True:
            rows = await review.fetch(
                "SELECT event_id FROM ledger WHERE event_id = ANY($1)", list(office.watched)
            )
            now = time.perf_counter()
            took.extend(now - office.watched.pop(row["event_id"]) for row in rows)
            await asyncio.sleep(0.002)

    watching = asyncio.create_task(watch())
    start = time.perf_counter()
    for number in range(int(seconds * a_second)):
        due = start + number / a_second
        if (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        (await office.free.get()).post(due, watch=number % 10 == 0)
    async with asyncio.timeout(WITHIN):
        while len(took) < int(seconds * a_second) // 10:
            await asyncio.sleep(0.01)
    watching.cancel()
    return 1000 * sorted(took)[int(0.99 * len(took))]


@dataclass(frozen=True, slots=True)
class _Office:
    """What all connections share."""

    message: bytes
    free: "asyncio.Queue[_Poster]"
    watched: dict[UUID, float] = field(default_factory=dict)
    """When each event that is taken and not visible yet was due to be sent."""


@dataclass(slots=True)
class _Poster(asyncio.Protocol):
    """A keep-alive connection that posts when told to, and is free again when it has its answer."""

    office: _Office
    transport: asyncio.Transport | None = None
    buffer: bytes = b""
    due: float = 0.0
    watch: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.office.free.put_nowait(self)

    def post(self, due: float, *, watch: bool) -> None:
        assert self.transport is not None
        self.due, self.watch = due, watch
        self.transport.write(self.office.message)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, blank, body = self.buffer.partition(b"\r\n\r\n")
        if not blank or len(body) < length_of(head):
            return
        self.buffer = b""
        if self.watch:
            self.office.watched[UUID(json.loads(body)["event_id"])] = self.due
        self.office.free.put_nowait(self)


async def _until(pool: object, question: str, *args: object) -> None:
    async with asyncio.timeout(WITHIN):
        while not await pool.fetchval(question, *args):  # type: ignore[attr-defined]
            await asyncio.sleep(0.005)
