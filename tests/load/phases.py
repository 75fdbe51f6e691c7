"""What is done to the stack, one after the other: steady load, far too much of it, callers who mean
harm, one huge incident."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from shared.contract.authority import Role
from shared.contract.topics import partition_of
from tests.bench.callers import answers_a_second, request
from tests.load.crowd import crowd
from tests.load.ground import INTAKE, REPORT, REVIEW, TRIAGE, Gauge, Ground
from tests.load.record import reported
from tests.load.source import Source, Tally
from tests.load.watch import Times, Visible, ask, probe, repeating, see

BODY: Final = json.dumps(REPORT).encode()
STEADY: Final = 256
"""Connections of a steady load."""
FLOOD: Final = 1500
"""Connections of an overload: more than intake has places for."""
HEARD_WITHIN: Final = 600.0
SEE_EVERY: Final = 0.25
ASK_EVERY: Final = 0.25


@dataclass(slots=True)
class Steady:
    tally: Tally
    gauge: Gauge
    visible: Visible
    settled_after: float


async def steady(ground: Ground, rate: float, seconds: float) -> Steady:
    gauge, visible = Gauge(ground), Visible()
    source = Source.of(ground.port(INTAKE), ground.token(Role.SOURCE), STEADY, BODY)
    async with gauge.watching(), repeating(lambda: see(ground, visible), SEE_EVERY):
        tally = await source.run(rate, seconds)
    return Steady(tally, gauge, visible, await ground.settled())


@dataclass(slots=True)
class Overload:
    bears: float
    """Reports a second that intake takes from callers who wait for each answer."""
    times_over: float
    tally: Tally
    gauge: Gauge
    health: Times
    ready: Times
    in_line: Times
    """Health asked for in line with all others, on the service's own port."""
    readers: Times
    taken_again_after: float
    settled_after: float
    borne: int
    """Reports that measuring `bears` left behind."""


async def overload(ground: Ground, times_over: float, seconds: float) -> Overload:
    port, token = ground.port(INTAKE), ground.token(Role.SOURCE)
    before = await recorded(ground)
    bears = await answers_a_second(port, request("/reports", BODY, token), max(1.0, seconds / 4))
    await ground.settled()
    borne = await recorded(ground) - before
    gauge, health, ready, in_line, readers = Gauge(ground), Times(), Times(), Times(), Times()
    health_port = ground.health_port(INTAKE)
    source = Source.of(port, token, FLOOD, BODY)
    async with (
        gauge.watching(),
        repeating(lambda: probe(health_port, "/healthz", health), ASK_EVERY),
        repeating(lambda: probe(health_port, "/readyz", ready), ASK_EVERY),
        repeating(lambda: probe(port, "/healthz", in_line), ASK_EVERY),
        repeating(
            lambda: ask(ground, f"{ground.url(INTAKE)}/reports?limit=1", Role.RESPONDER, readers),
            ASK_EVERY,
        ),
    ):
        tally = await source.run(bears * times_over, seconds)
        again = await _taken(ground, tally)
    return Overload(
        bears,
        times_over,
        tally,
        gauge,
        health,
        ready,
        in_line,
        readers,
        again,
        await ground.settled(),
        borne,
    )


async def _taken(ground: Ground, tally: Tally) -> float:
    """Seconds until a single report is accepted."""
    start = time.perf_counter()
    while True:
        answer = await ground.http.post(
            f"{ground.url(INTAKE)}/reports", json=REPORT, headers=ground.bearer(Role.SOURCE)
        )
        if answer.status_code == 201:
            tally.accepted.append(bytes.fromhex(answer.json()["hash"]))
            return time.perf_counter() - start
        await asyncio.sleep(0.05)


@dataclass(slots=True)
class Hostile:
    what: str
    count: int
    tally: Tally
    """Of the honest ones meanwhile."""
    memory: int
    """Most resident bytes of intake."""


async def hostile(ground: Ground, idle: int, others: int, seconds: float) -> list[Hostile]:
    """An honest source alone, and beside each kind of callers who mean harm or know no better."""
    kinds = (
        ("nobody", 0, b"", b""),
        ("idle connections", idle, b"", b""),
        ("half-open requests", others, b"POST /reports HTTP/1.1\r\nHost: he", b"r"),
        ("slow bodies", others, _begun(1000), b" "),
        ("endless bodies", others, _CHUNKED, b"10000\r\n" + b" " * 0x10000 + b"\r\n"),
    )
    return [await _beside(ground, seconds, *kind) for kind in kinds]


_CHUNKED: Final = (
    b"POST /reports HTTP/1.1\r\nHost: here\r\nContent-Type: "
    b"application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def _begun(length: int) -> bytes:
    return (
        b"POST /reports HTTP/1.1\r\nHost: here\r\nContent-Type: "
        b"application/json\r\nContent-Length: %d\r\n\r\n{" % length
    )


async def _beside(
    ground: Ground, seconds: float, what: str, count: int, first: bytes, then: bytes
) -> Hostile:
    gauge = Gauge(ground)
    source = Source.of(ground.port(INTAKE), ground.token(Role.SOURCE), STEADY, BODY)
    async with gauge.watching(), crowd(ground.port(INTAKE), count, first, then):
        tally = await source.run(50, seconds)
    return Hostile(what, count, tally, max(gauge.memory.get(INTAKE.value, [0])))


@dataclass(slots=True)
class Huge:
    events: int
    seconds: float
    """To take all of them."""
    heard_after: float
    """Seconds from the last receipt until review has heard all."""
    before: Visible
    same: Times
    """How long a report of another incident takes to be visible meanwhile, on the same
    partition."""
    others: Times
    """The same, on other partitions."""
    command: float
    """Seconds that a command on the huge incident takes afterwards."""
    accepted: list[bytes] = field(default_factory=list)
    unknown: int = 0


async def huge(ground: Ground, events: int, seconds: float) -> Huge:
    before, meanwhile = Visible(), Visible()
    async with repeating(lambda: see(ground, before), SEE_EVERY):
        await asyncio.sleep(seconds)
    first = await _report(ground, REPORT)
    incident, accepted = str(first["incident_id"]), [bytes.fromhex(first["hash"])]
    lines = b"\n".join([json.dumps({**REPORT, "incident_id": incident}).encode()] * events)
    start = time.perf_counter()
    async with repeating(lambda: see(ground, meanwhile), SEE_EVERY / 4):
        answer = await ground.http.post(
            f"{ground.url(INTAKE)}/reports/batch",
            content=lines,
            headers={**ground.bearer(Role.SOURCE), "Content-Type": "application/x-ndjson"},
            timeout=600,
        )
        taken = time.perf_counter() - start
        heard = await _heard(ground, incident, events + 1)
    answers = [json.loads(line) for line in answer.text.splitlines()]
    accepted += [bytes.fromhex(one["receipt"]["hash"]) for one in answers if one["status"] == 201]
    await ground.settled()
    command = await _command(ground, incident)
    crowded = partition_of(UUID(incident))
    return Huge(
        events,
        taken,
        heard,
        before,
        meanwhile.of(lambda partition: partition == crowded),
        meanwhile.of(lambda partition: partition != crowded),
        command,
        [*accepted, *before.accepted, *meanwhile.accepted],
        before.unknown + meanwhile.unknown,
    )


async def _heard(ground: Ground, incident: str, events: int) -> float:
    start, url = time.perf_counter(), f"{ground.url(REVIEW)}/incidents/{incident}"
    async with asyncio.timeout(HEARD_WITHIN):
        while True:
            answer = await ground.http.get(url, headers=ground.bearer(Role.REVIEWER))
            if answer.status_code == 200 and answer.json()["version"] >= events:
                return time.perf_counter() - start
            await asyncio.sleep(0.1)


async def _report(ground: Ground, body: dict[str, Any]) -> dict[str, Any]:
    answer = await ground.http.post(
        f"{ground.url(INTAKE)}/reports", json=body, headers=ground.bearer(Role.SOURCE)
    )
    answer.raise_for_status()
    receipt: dict[str, Any] = answer.json()
    return receipt


async def _command(ground: Ground, incident: str) -> float:
    start = time.perf_counter()
    answer = await ground.http.post(
        f"{ground.url(TRIAGE)}/incidents/{incident}/actions",
        json={"kind": "preserve_evidence", "target": "the whiteboard"},
        headers=ground.bearer(Role.RESPONDER),
    )
    answer.raise_for_status()
    return time.perf_counter() - start


async def recorded(ground: Ground) -> int:
    """Reports in intake's ledger."""
    return len(await asyncio.to_thread(reported, ground.stack, INTAKE))
