"""Health on a port and a thread of its own, so that nobody ends a service because it is busy.

On the worst day whoever comes to the service's own port stands in line behind all who hammer at it, and the loop that would answer has
a thousand others to answer first. Here nothing but health is asked, and no answer waits for that loop: it leaves word once a second,
and what is answered is that word and how old it is. A loop that is stuck therefore shows, and one that is late does not.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import uvicorn
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from shared.runtime import connections, headers, telemetry
from shared.runtime.problems import problem

CONNECTIONS: Final = 64
ASKED_WITHIN: Final = 2.0
SAID_EVERY: Final = 1.0
READY_FOR: Final = 10.0
"""Seconds that word of being ready holds."""
ALIVE_FOR: Final = 30.0
"""Seconds without word after which the loop is stuck, not late."""

Readiness = Callable[[], Awaitable[dict[str, Any]]]


@dataclass(slots=True)
class Word:
    """What the service's loop last said. One thread writes it, another reads it."""

    service: str
    said_at: float = field(default_factory=time.monotonic)
    readiness: dict[str, Any] = field(default_factory=dict)

    def say(self, readiness: dict[str, Any]) -> None:
        self.readiness, self.said_at = readiness, time.monotonic()

    def alive(self) -> JSONResponse:
        if self._age() <= ALIVE_FOR:
            return JSONResponse({"status": "alive"})
        return JSONResponse({"status": "stuck", "silent_for_s": round(self._age(), 1)}, 503)

    def ready(self) -> JSONResponse:
        if not self.readiness or self._age() > READY_FOR:
            return JSONResponse({"service": self.service, "ready": False, "checks": {"process": "silent"}}, 503)
        return JSONResponse(self.readiness, 200 if self.readiness["ready"] else 503)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(scope["path"])
        with telemetry.named():
            headers.complete(answer.headers)
        await answer(scope, receive, send)

    def _answer(self, path: str) -> Response:
        match path:
            case "/healthz":
                return self.alive()
            case "/readyz":
                return self.ready()
        detail = "On this port health alone is answered: /healthz and /readyz."
        return problem(404, "missing", "Not known here", detail)

    def _age(self) -> float:
        return time.monotonic() - self.said_at


async def tell(service: str, readiness: Readiness, host: str, port: int) -> None:
    """Answers until it is cancelled. Raises OSError when the port cannot be had."""
    word = Word(service)
    with answering(word, host, port):
        while True:
            word.say(await readiness())
            await asyncio.sleep(SAID_EVERY)


@contextlib.contextmanager
def answering(word: Word, host: str, port: int) -> Iterator[int]:
    """The port that is listened on, while it is."""
    config = uvicorn.Config(
        word,
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
    thread = threading.Thread(target=lambda: asyncio.run(server._serve([listener])), name="health", daemon=True)  # noqa: SLF001
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
