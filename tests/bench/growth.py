"""What changes as a ledger grows: cost of an append and of a view's query, start-up, memory.
`python -m tests.bench --long`."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

import httpx
import psutil

from services.intake import queries
from services.intake.__main__ import SERVICE as INTAKE
from services.intake.bodies import ReportFilter
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock
from tests.bench import world as worlds
from tests.bench.appends import REPORTED, append_in_bulk
from tests.bench.intake import REPORT
from tests.bench.world import World
from tests.integration.runtime.processes import Process, process

SIZES = (10_000, 100_000, 1_000_000)
ASKED = 200
AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Size:
    """At so many events: medians in milliseconds of one append, one page of reports, one incident;
    and events a second in bulk."""

    events: int
    append: float
    page: float
    incident: float
    bulk: float


@dataclass(frozen=True, slots=True)
class Growth:
    sizes: tuple[Size, ...]
    start_up: float
    """Seconds from start to answering, with all events of the last size in the ledger."""
    megabytes: float
    """By which the process grows for every 100 000 reports that it takes."""


async def growth(world: World, progress: Callable[[str], None]) -> Growth:
    async with world.ground() as ground:
        async with process(ground, ServiceName.INTAKE, INTAKE.rules, parts=["writer"]) as intake:
            sizes = [await _at(intake, events, progress) for events in map(world.count, SIZES)]
        progress("growth: start-up")
        start = time.perf_counter()
        async with worlds.service(ground, ServiceName.INTAKE, "--roles", "http") as (port, pid):
            start_up = time.perf_counter() - start
            progress("growth: memory")
            megabytes = await _grows(port, pid, world)
    return Growth(tuple(sizes), start_up, megabytes)


async def _at(intake: Process, events: int, progress: Callable[[str], None]) -> Size:
    pool = intake.running.pool
    there = await pool.fetchval("SELECT count(*) FROM ledger")
    rate = 0.0
    while there < events:
        progress(f"growth: {there:,} of {events:,} events")
        step = min(AT_ONCE, events - there)
        rate = await append_in_bulk(intake, step)
        there += step
    progress(f"growth: asking at {events:,} events")
    incident = clock.new_id()
    await intake.say(REPORTED, incident)
    async with pool.acquire() as connection:
        return Size(
            events,
            await _milliseconds(lambda: intake.say(REPORTED, clock.new_id())),
            await _milliseconds(lambda: queries.reports(connection, ReportFilter(), 50)),
            await _milliseconds(lambda: queries.incident(connection, incident)),
            rate,
        )


async def _milliseconds(work: Callable[[], Awaitable[object]]) -> float:
    taken = []
    for _ in range(ASKED):
        start = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - start)
    return 1000 * median(taken)


async def _grows(port: int, pid: int, world: World) -> float:
    """After a first lot, which fills the caches that have bounds."""
    lines = world.count(AT_ONCE)
    body = (json.dumps(REPORT).encode() + b"\n") * lines
    headers = {"Authorization": f"Bearer {world.token()}", "Content-Type": "application/x-ndjson"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=300
    ) as http:
        resident = []
        for _ in range(2):
            for _ in range(5):
                (await http.post("/reports/batch", content=body)).raise_for_status()
            resident.append(psutil.Process(pid).memory_info().rss)
    return (resident[1] - resident[0]) / 2**20 / (5 * lines) * 100_000
