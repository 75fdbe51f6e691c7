"""Rows about reports over HTTP: intake as it runs in production, in a process of its own, spoken to
from this one."""

import contextlib
import json
import time
from collections.abc import AsyncIterator

import httpx

from shared.contract.vocabulary import ServiceName
from tests.bench import world as worlds
from tests.bench.callers import answers_a_second, request
from tests.bench.measure import Sides
from tests.bench.world import World
from tests.integration.servers import free_port

REPORT = {
    "discovery": "dlp",
    "description": "A photo of a whiteboard with a roadmap on it",
    "exposure": {"platform": "mastodon", "visibility": "public", "still_live": "yes"},
}


@contextlib.asynccontextmanager
async def single_and_noop(world: World) -> AsyncIterator[Sides]:
    port = free_port()
    async with (
        world.ground() as ground,
        worlds.service(ground, ServiceName.INTAKE, "--roles", "http") as (intake, _),
        worlds.serving("tests.bench.noop", {}, port, str(port)),
    ):
        body = json.dumps(REPORT).encode()
        seconds = world.seconds(4)
        yield Sides(
            lambda: answers_a_second(intake, request("/reports", body, world.token()), seconds),
            lambda: answers_a_second(port, request("/nothing", body), seconds),
        )


@contextlib.asynccontextmanager
async def ndjson(world: World) -> AsyncIterator[Sides]:
    async with (
        world.ground() as ground,
        worlds.service(ground, ServiceName.INTAKE, "--roles", "http") as (port, _),
    ):
        lines = world.count(10_000)
        body = (json.dumps(REPORT).encode() + b"\n") * lines
        headers = {
            "Authorization": f"Bearer {world.token()}",
            "Content-Type": "application/x-ndjson",
        }
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=300
        ) as http:

            async def batch() -> float:
                start = time.perf_counter()
                answer = await http.post("/reports/batch", content=body)
                rate = lines / (time.perf_counter() - start)
                assert answer.content.count(b'"status":201') == lines, answer.text[:1000]
                return rate

            yield Sides(batch)
