"""Health on a port and a thread of its own, so that nobody ends a service because it is busy.

On the worst day whoever comes to the service's own port stands in line behind all who hammer at it,
and the loop that would answer has a thousand others to answer first. Here nothing but health is
asked, and no answer waits for that loop longer than a moment: what is answered otherwise is what it
said last, and how old that is. A loop that is stuck therefore shows, and one that is late does not.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import uvicorn
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from shared.runtime.process import telemetry
from shared.runtime.web import headers
from shared.runtime.web.edge import connections
from shared.runtime.web.problems import problem

CONNECTIONS: Final = 64
ASKED_WITHIN: Final = 2.0
FRESH_WITHIN: Final = 0.5
"""Seconds that an answer waits for fresh word: half of what Kubernetes gives a probe."""
HOLDS_FOR: Final = 30.0
"""Seconds that old word holds; a loop that has not turned for so long is stuck."""
LOOK_EVERY: Final = 0.01
TURNS_EVERY: Final = 1.0


@dataclass(slots=True)
class Health:
    """What the service's loop last said. That loop writes it, another thread's reads it."""

    service: str
    ask: Callable[[], Coroutine[Any, Any, dict[str, Any]]]
    loop: asyncio.AbstractEventLoop
    turned_at: float = field(default_factory=time.monotonic)
    said_at: float = field(default_factory=time.monotonic)
    readiness: dict[str, Any] = field(default_factory=dict)
    _asking: "asyncio.Task[None] | None" = None

    def alive(self) -> JSONResponse:
        if _age(self.turned_at) <= HOLDS_FOR:
            return JSONResponse({"status": "alive"})
        return JSONResponse({"status": "stuck", "for_s": round(_age(self.turned_at), 1)}, 503)

    async def ready(self) -> JSONResponse:
        begun = time.monotonic()
        self.loop.call_soon_threadsafe(self._asked)
        while self.said_at < begun and _age(begun) < FRESH_WITHIN:
            await asyncio.sleep(LOOK_EVERY)
        if self.readiness and _age(self.said_at) <= HOLDS_FOR:
            return JSONResponse(self.readiness, 200 if self.readiness["ready"] else 503)
        return JSONResponse(
            {"service": self.service, "ready": False, "checks": {"process": "silent"}}, 503
        )

    def _asked(self) -> None:
        """In the service's loop: asks once, however many ask here at a time."""
        if self._asking is None or self._asking.done():
            self._asking = self.loop.create_task(self._say())

    async def _say(self) -> None:
        self.readiness = await self.ask()
        self.said_at = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope["path"])
        with telemetry.named():
            headers.complete(answer.headers)
        await answer(scope, receive, send)

    async def _answer(self, path: str) -> Response:
        match path:
            case "/healthz":
                return self.alive()
            case "/readyz":
                return await self.ready()
        detail = "On this port health alone is answered: /healthz and /readyz."
        return problem(404, "missing", "Not known here", detail)


def _age(moment: float) -> float:
    return time.monotonic() - moment


async def tell(
    service: str, readiness: Callable[[], Coroutine[Any, Any, dict[str, Any]]], host: str, port: int
) -> None:
    """Answers until it is cancelled. Ends the process when the port cannot be had."""
    health = Health(service, readiness, asyncio.get_running_loop())
    with answering(health, host, port):
        while True:
            health.turned_at = time.monotonic()
            await asyncio.sleep(TURNS_EVERY)


@contextlib.contextmanager
def answering(health: Health, host: str, port: int) -> Iterator[int]:
    """The port that is listened on, while it is."""
    config = uvicorn.Config(
        health,
        host=host,
        port=port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        http=connections.protocol(CONNECTIONS, head_within=ASKED_WITHIN),
        ws="none",
        proxy_headers=False,
        timeout_keep_alive=int(ASKED_WITHIN),
        timeout_graceful_shutdown=1,
    )
    server, listener = uvicorn.Server(config), config.bind_socket()
    # `serve` would take over the process's signals, which only its first thread may.
    thread = threading.Thread(
        target=lambda: asyncio.run(server._serve([listener])),  # noqa: SLF001
        name="health",
        daemon=True,
    )
    listener.listen(CONNECTIONS)  # who comes before the thread runs waits for it
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
