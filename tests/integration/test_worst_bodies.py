"""The worst that may be sent to each route that takes a body, over real HTTP to a process of its
own: what it costs in time, memory and answer, and that others are served meanwhile.

The routes are walked. Each is sent all bodies under all media types that it takes; others it
refuses with 415."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import httpx
import psutil
import pytest
from fastapi.routing import RouteContext, iter_route_contexts

from deploy.local.keys import write_secret
from deploy.local.tokens import issue
from services.intake import queries
from services.intake.sources import registration
from shared.contract.authority import Role
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock
from shared.runtime.process.secretfiles import secret_in
from shared.runtime.say.people import People
from shared.runtime.service import Service
from shared.runtime.web.auth import allowed_roles
from shared.runtime.web.edge.limits import BODY, Takes
from tests.integration.conftest import Environment
from tests.integration.servers import free_port
from tests.integration.serving import NOBODY, until
from tests.services import SERVICES, by_name

pytestmark = pytest.mark.slow

SECONDS_OF_A_MEBIBYTE: Final = 1.5
"""Of processor time, beside one second for a request of any size; taken under load, too."""
GROWS_BY: Final = 192 * 1024 * 1024
"""Bytes that the process's peak may grow by, over all that it is sent."""
WAITS: Final = 5.0
"""Seconds within which another caller is answered meanwhile."""
SOURCE: Final = "//dlp.example/scanner"
CLOUD_EVENT: Final = {"specversion": "1.0", "id": "1", "source": SOURCE, "type": "finding"}
BINARY: Final = {f"ce-{name}": value for name, value in CLOUD_EVENT.items()}
MEDIA: Final[tuple[dict[str, str], ...]] = (
    {"Content-Type": "application/json"},
    {"Content-Type": "application/x-ndjson"},
    {"Content-Type": "application/cloudevents+json"},
    {"Content-Type": "application/cloudevents-batch+json"},
    {"Content-Type": "application/json", **BINARY},
    {"Content-Type": "text/plain"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Content-Type": "application/cloudevents+avro"},
    {},
)
TAKEN: Final = {
    "/reports/batch": {"application/x-ndjson"},
    "/events": {"application/cloudevents+json", "application/cloudevents-batch+json", "binary"},
}
"""All other routes take JSON, under whatever name ends in it."""


def worst(size: int) -> Iterator[tuple[str, bytes]]:
    """Bodies of almost this size, each bad in its own way."""
    event = json.dumps(CLOUD_EVENT).encode()[:-1]
    yield "many members", filled(b"{", b'"k%d":0,', b'"last":0}', size)
    yield "many items", filled(b"[", b"0,", b"0]", size)
    yield "many objects", filled(b'{"information_types":[', b'{"a":0},', b"{}]}", size)
    yield "wrong items", filled(b'{"information_types":[', b'"x%d",', b'""]}', size)
    yield "deep objects", b'{"a":' * (size // 5)
    yield "deep lists", b"[" * (size // 2) + b"]" * (size // 2)
    yield "one text", b'{"description":"' + b"x" * (size - 18) + b'"}'
    yield "escapes", b'{"description":"' + b"\\u0000" * (size // 6 - 3) + b'"}'
    yield "quotes", b'"' * size
    yield "digits", b"9" * size
    yield "blanks", b" " * size
    yield "empty lines", b"\n" * size
    yield "small lines", b"{}\n" * (size // 3)
    yield "ten thousand lines", (b'{"x":' + b"1" * (size // 10_000 - 8) + b"}\n") * 10_000
    line = filled(b"{", b'"k%d":0,', b'"last":0}', min(BODY, size) - 1) + b"\n"
    yield "lines of wrong members", line * (size // len(line))
    line = filled(b'{"information_types":[', b'"x%d",', b'""]}', min(BODY, size) - 1) + b"\n"
    yield "lines of wrong items", line * (size // len(line))
    yield "not UTF-8", b"\xff" * size
    yield "small events", filled(b"[", event + b"},", event + b"}]", size)
    yield "an event with deep data", event + b',"data":' + b"[" * (size // 2 - 200)
    yield "an event with many members", filled(event + b",", b'"k%d":0,', b'"last":0}', size)
    data = event + b',"data":' + b'{"a":' * 20_000 + b"0" + b"}" * 20_000 + b"}"
    many = max(1, (size - 2) // (len(data) + 1)) if size > len(data) else 0
    yield "events with deep data", b"[" + b",".join([data] * many) + b"]"


def filled(begin: bytes, item: bytes, end: bytes, size: int) -> bytes:
    many = (size - len(begin) - len(end)) // (len(item) + 5)
    return begin + b"".join(item.replace(b"%d", b"%d" % number) for number in range(many)) + end


@dataclass(frozen=True, slots=True)
class Started:
    """A process of a service."""

    url: str
    process: psutil.Process

    def seconds(self) -> float:
        spent = self.process.cpu_times()
        return float(spent.user + spent.system)

    def peak(self) -> int:
        """Bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            (line,) = (line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024


@contextlib.asynccontextmanager
async def started(
    service: Service[Any, Any, Any], environment: Environment
) -> AsyncIterator[Started]:
    if not environment.keys.channels.exists():
        write_secret(environment.keys.channels, "{}")
    port = free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    log = environment.folder / "log"
    with log.open("wb") as file:
        child = subprocess.Popen(  # noqa: ASYNC220  it runs beside us until the end
            [sys.executable, "-m", f"services.{service.name}"],
            env=own | environment.of(service.name, port) | {"PYTHONPATH": os.getcwd()},
            stderr=file,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(trust_env=False) as http:

            async def answers() -> bool:
                assert child.poll() is None, log.read_text(encoding="utf-8")
                with contextlib.suppress(httpx.HTTPError):
                    return (await http.get(f"{url}/readyz")).status_code == 200
                return False

            await until(answers, "the service is ready")
        yield Started(url, psutil.Process(child.pid))
    finally:
        child.terminate()
        child.wait(20)
    said = log.read_text(encoding="utf-8")
    assert "a bug" not in said, said[-5000:]


def routes(service: Service[Any, Any, Any]) -> Iterator[tuple[str, str, RouteContext]]:
    """Method and path of each that may be sent a body and reads it."""
    for route in iter_route_contexts(service.router.routes):
        for method in sorted((route.methods or set()) - {"GET", "HEAD"}):
            if getattr(route, "body_field", None) is not None or takes(route) is not None:
                steps = (str(NOBODY) if "{" in step else step for step in route.path.split("/"))
                yield method, "/".join(steps), route


def takes(route: Any) -> int | None:
    calls = (one.call for one in route.dependant.dependencies)
    return next((call.most for call in calls if isinstance(call, Takes)), None)


def is_taken(path: str, media: dict[str, str]) -> bool:
    named = media.get("Content-Type", "")
    if path not in TAKEN:
        return named.endswith(("/json", "+json"))
    return named in TAKEN[path] or ("ce-id" in media and "binary" in TAKEN[path])


@pytest.mark.parametrize("service", SERVICES, ids=by_name)
async def test_the_worst_body_costs_little_and_holds_up_nobody(
    service: Service[Any, Any, Any], environment: Environment
) -> None:
    if service.name is ServiceName.INTAKE:
        connection = await asyncpg.connect(environment.databases[service.name].owner_dsn)
        people = People(secret_in(environment.keys.pseudonym_key))
        await queries.register(connection, people, registration("a-caller", SOURCE), clock.now())
        await connection.close()
    walked = 0
    async with (
        started(service, environment) as target,
        httpx.AsyncClient(base_url=target.url, trust_env=False, timeout=60) as http,
    ):
        before = target.peak()
        for method, path, route in routes(service):
            role = min(allowed_roles(route) or {Role.RESPONDER})
            token = {"Authorization": f"Bearer {issue(environment.keys, 'a-caller', [role])}"}
            size = takes(route) or BODY
            for what, body in worst(size):
                assert len(body) <= size, what
                for media in MEDIA:
                    if what != "many members" and not is_taken(path, media):
                        continue
                    where = f"{method} {path} {media}: {what}"
                    sent = http.build_request(method, path, content=body, headers=token | media)
                    began = target.seconds()
                    answer, waited = await asyncio.gather(http.send(sent), probed(http))
                    took = target.seconds() - began
                    if is_taken(path, media):
                        assert answer.status_code in {200, 201, 400, 404, 413, 422}, where
                    else:
                        assert answer.status_code == 415, (where, answer.text[:500])
                    assert took < 1 + SECONDS_OF_A_MEBIBYTE * size / 2**20, where
                    assert waited < WAITS, where
                    assert len(answer.content) <= 64 * 1024 + size, where
                    walked += 1
            answer = await http.request(method, path, content=bytes(size + 1), headers=token)
            assert answer.status_code == 413, f"{method} {path}"
        assert target.peak() - before < GROWS_BY
    assert walked >= len(MEDIA)


async def probed(http: httpx.AsyncClient) -> float:
    """Seconds that another caller waits."""
    began = time.monotonic()
    assert (await http.get("/healthz")).status_code == 200
    return time.monotonic() - began
