"""The stack that is loaded, as the load sees it: who may ask it, what its processes cost, how far
behind they are."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import httpx
import psutil
import psycopg

from deploy.local import state
from deploy.local.keys import Keys
from deploy.local.state import Stack
from deploy.local.tokens import issue
from shared.contract.authority import Role
from shared.contract.vocabulary import ServiceName

INTAKE, TRIAGE, NOTIFY, REVIEW = ServiceName
REPORT: Final = {
    "discovery": "dlp",
    "description": "A photo of a whiteboard with a roadmap on it",
    "exposure": {"platform": "mastodon", "visibility": "public", "still_live": "yes"},
}
LOOK_EVERY: Final = 1.0
SETTLED_WITHIN: Final = 600.0
MIB: Final = 2**20


@dataclass(slots=True)
class Ground:
    stack: Stack
    http: httpx.AsyncClient

    def url(self, service: ServiceName) -> str:
        return self.stack.services[service.value].url

    def port(self, service: ServiceName) -> int:
        return int(self.url(service).rpartition(":")[2])

    def health_port(self, service: ServiceName) -> int:
        return int(self.stack.services[service.value].health_url.rpartition(":")[2])

    def token(self, role: Role) -> str:
        return issue(Keys.of(self.stack.data), f"load-{role}", [role])

    def bearer(self, role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(role)}"}

    async def lag(self) -> dict[str, int]:
        """Events that each service has not relayed or not heard; a service that does not answer, or
        does not know, is left out."""
        lags = {}
        for service in ServiceName:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                about = (await self.http.get(f"{self.url(service)}/readyz")).json()["lag"]
                if None not in about.values():
                    lags[service.value] = sum(about.values())
        return lags

    async def settled(self) -> float:
        """Until everything that was said is relayed, heard and sealed; the seconds that took."""
        start = time.perf_counter()
        async with asyncio.timeout(SETTLED_WITHIN):
            while True:
                lags = await self.lag()
                if (
                    len(lags) == len(ServiceName)
                    and not any(lags.values())
                    and await self._sealed() >= await self._said()
                ):
                    return time.perf_counter() - start
                await asyncio.sleep(0.1)

    async def _said(self) -> int:
        """Events of all services, as review has heard and said them."""
        dsn = self.stack.services[REVIEW.value].auditor_dsn
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            row = await (
                await connection.execute("SELECT sum(sequence)::bigint FROM chain")
            ).fetchone()
        assert row is not None
        return int(row[0])

    async def _sealed(self) -> int:
        answer = await self.http.get(
            f"{self.url(REVIEW)}/log/checkpoint",
            headers=self.bearer(Role.AUDITOR),
        )
        return int(answer.text.split("\n")[1]) if answer.is_success else 0


@dataclass(slots=True)
class Gauge:
    """Looks at the processes once a second."""

    ground: Ground
    memory: dict[str, list[int]] = field(default_factory=dict)
    """Resident bytes, look by look."""
    lags: dict[str, list[int]] = field(default_factory=dict)
    cores: dict[str, float] = field(default_factory=dict)
    """Of one core, on average."""

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        before, start = self._spent(), time.perf_counter()
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            looking.cancel()
            elapsed = time.perf_counter() - start
            self.cores = {
                name: (spent - before.get(name, 0.0)) / elapsed
                for name, spent in self._spent().items()
            }

    async def _look(self) -> None:
        while True:
            for name, process in self._processes().items():
                with contextlib.suppress(psutil.NoSuchProcess):
                    if name in self.ground.stack.services:
                        self.memory.setdefault(name, []).append(process.memory_info().rss)
            for name, lag in (await self.ground.lag()).items():
                self.lags.setdefault(name, []).append(lag)
            await asyncio.sleep(LOOK_EVERY)

    def _spent(self) -> dict[str, float]:
        spent = {}
        for name, process in self._processes().items():
            with contextlib.suppress(psutil.NoSuchProcess):
                spent[name] = sum(
                    _processor(one) for one in (process, *process.children(recursive=True))
                )
        return spent | {"the load itself": _processor(psutil.Process())}

    def _processes(self) -> dict[str, psutil.Process]:
        recorded = state.load(self.ground.stack.data).processes
        return {
            name: found
            for name, process in recorded.items()
            if (found := process.running()) is not None
        }


def _processor(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
