"""Where everything is measured: one embedded Postgres and one Kafka, fresh databases and a fresh
topic for whoever asks."""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.environment import of_service
from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.contract.authority import Role
from shared.contract.vocabulary import ServiceName
from tests.integration.conftest import Databases, Environment, fresh_topic, make_templates
from tests.integration.servers import ROOT, Servers, free_port, shared

READY_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class World:
    servers: Servers
    keys: Keys
    scale: float
    """What part of the usual number of events to measure with."""

    def count(self, usual: int) -> int:
        return max(20, int(usual * self.scale))

    def seconds(self, usual: float) -> float:
        return max(1.0, usual * self.scale)

    def token(self, role: Role = Role.SOURCE) -> str:
        return issue(self.keys, "bench", [role])

    @contextlib.asynccontextmanager
    async def ground(self) -> AsyncIterator[Environment]:
        """Empty, migrated databases and an empty topic; gone afterwards."""
        databases = Databases(self.servers.admin_dsn)
        try:
            with tempfile.TemporaryDirectory() as folder:
                async with fresh_topic({"bootstrap_servers": self.servers.bootstrap}) as topic:
                    yield Environment(
                        databases, self.keys, self.servers.bootstrap, topic, Path(folder)
                    )
        finally:
            databases.drop()


@contextlib.contextmanager
def world(scale: float) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder, shared() as servers:
        keys = Keys.of(Path(folder))
        keys.make()
        make_templates(servers.admin_dsn)
        yield World(servers, keys, scale)


@contextlib.asynccontextmanager
async def serving(
    module: str, environment: Mapping[str, str], port: int, *arguments: str
) -> AsyncIterator[int]:
    """A server in a process of its own, from when its port answers; its process id."""
    process = subprocess.Popen(  # noqa: ASYNC220  a server, started once
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=of_service(environment),
        stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get("BENCH_SHOW") else subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(READY_WITHIN):
            while not await _answers(port):
                if process.poll() is not None:
                    raise RuntimeError(
                        f"{module} did not start; run it with BENCH_SHOW=1 to see why"
                    )
                await asyncio.sleep(0.02)
        yield process.pid
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@contextlib.asynccontextmanager
async def service(
    environment: Environment, name: ServiceName, *arguments: str
) -> AsyncIterator[tuple[int, int]]:
    """A service as it runs in production; its port and its process id."""
    port = free_port()
    async with serving(f"services.{name}", environment.of(name, port), port, *arguments) as pid:
        yield port, pid
