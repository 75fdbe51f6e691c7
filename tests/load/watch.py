"""Watchers: single callers who ask at a walking pace what everybody asks, and time the answers."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Final
from uuid import UUID

import httpx

from shared.contract.authority import Role
from shared.contract.topics import partition_of
from tests.load.ground import INTAKE, REPORT, REVIEW, Ground

ASK_EVERY: Final = 0.01
"""Seconds between two questions whether a report is visible: no figure is finer than this."""
VISIBLE_WITHIN: Final = 120.0
PROBED_WITHIN: Final = 1.0
"""What Kubernetes gives a probe where nothing else is said."""


@dataclass(slots=True)
class Times:
    """Seconds, and how often there was no good answer."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def p50(self) -> float | None:
        return median(self.seconds) if self.seconds else None

    @property
    def p99(self) -> float | None:
        return (
            quantiles(self.seconds, n=100, method="inclusive")[98]
            if len(self.seconds) > 1
            else self.p50
        )

    @property
    def most(self) -> float | None:
        return max(self.seconds, default=None)


@dataclass(slots=True)
class Visible:
    """From a post's first byte to the incident in review's view, by the incident's partition."""

    by_partition: dict[int, Times] = field(default_factory=dict)
    accepted: list[bytes] = field(default_factory=list)
    unknown: int = 0

    def of(self, wanted: Callable[[int], bool] = lambda _: True) -> Times:
        chosen = [times for partition, times in self.by_partition.items() if wanted(partition)]
        return Times(
            [one for times in chosen for one in times.seconds],
            sum(times.failed for times in chosen),
        )


async def see(ground: Ground, visible: Visible) -> None:
    """Reports once and waits until review shows it; a report that is refused is not counted."""
    start = time.perf_counter()
    try:
        answer = await ground.http.post(
            f"{ground.url(INTAKE)}/reports", json=REPORT, headers=ground.bearer(Role.SOURCE)
        )
    except httpx.HTTPError:
        visible.unknown += 1
        return
    if answer.status_code != 201:
        return
    receipt = answer.json()
    visible.accepted.append(bytes.fromhex(receipt["hash"]))
    incident = receipt["incident_id"]
    times = visible.by_partition.setdefault(partition_of(UUID(incident)), Times())
    headers = ground.bearer(Role.REVIEWER)
    while time.perf_counter() - start < VISIBLE_WITHIN:
        with contextlib.suppress(httpx.HTTPError):
            found = await ground.http.get(
                f"{ground.url(REVIEW)}/incidents/{incident}", headers=headers
            )
            if found.status_code == 200:
                times.seconds.append(time.perf_counter() - start)
                return
        await asyncio.sleep(ASK_EVERY)
    times.failed += 1


async def ask(ground: Ground, url: str, role: Role | None, times: Times) -> None:
    headers = ground.bearer(role) if role is not None else {}
    start = time.perf_counter()
    try:
        answer = await ground.http.get(url, headers=headers)
    except httpx.HTTPError:
        times.failed += 1
        return
    if answer.status_code == 200:
        times.seconds.append(time.perf_counter() - start)
    else:
        times.failed += 1


async def probe(port: int, path: str, times: Times) -> None:
    """As an orchestrator asks: on a connection of its own, and a late answer is none."""
    start = time.perf_counter()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PROBED_WITHIN):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(writer):
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode()
                )
                if (await reader.readline()).startswith(b"HTTP/1.1 200"):
                    times.seconds.append(time.perf_counter() - start)
                    return
    times.failed += 1


@contextlib.asynccontextmanager
async def repeating(what: Callable[[], Awaitable[None]], every: float) -> AsyncIterator[None]:
    """Does it again and again, each begun on its own; what is begun at the end is waited for."""
    under_way: set[asyncio.Task[None]] = set()

    async def begin() -> None:
        while True:
            task = asyncio.ensure_future(what())
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            await asyncio.sleep(every)

    beginning = asyncio.create_task(begin())
    try:
        yield
    finally:
        beginning.cancel()
        await asyncio.gather(*under_way)
