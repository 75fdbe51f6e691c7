"""The HTTP server of a service: uvicorn with our connections, listening until the process stops."""

import asyncio
import contextlib
import socket
from typing import Any, Final

import uvicorn

from shared.runtime.running import Running
from shared.runtime.web.app import create_app
from shared.runtime.web.edge import connections

DRAIN_WITHIN: Final = 8.0
"""Seconds that requests under way, workers and the relay have to finish after SIGTERM."""


LISTENERS: Final = 16
"""Newcomers that are let in at a turn of the loop."""


async def serve(process: Running[Any, Any, Any]) -> None:
    app = create_app(process, process.service.router, process.service.title)
    config = uvicorn.Config(
        app,
        host=process.settings.http_host,
        port=process.settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
        http=connections.protocol(),
        ws="none",
        proxy_headers=False,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=int(DRAIN_WITHIN),
    )
    server = _Server(config)
    stop = asyncio.create_task(process.stopping.wait())
    stop.add_done_callback(lambda _: setattr(server, "should_exit", True))
    try:
        await server.serve(listeners(config))
    finally:
        stop.cancel()
    if not process.stopping.is_set():
        raise RuntimeError(f"the HTTP server ended; is port {process.settings.http_port} in use?")


def listeners(config: uvicorn.Config) -> list[socket.socket]:
    """One address, listened on many times: uvloop lets in one newcomer a turn of its loop and
    listener. Under overload turns are long, and by one listener newcomers waited twenty seconds
    while others were answered in one."""
    one = config.bind_socket()
    return [one, *(one.dup() for _ in range(LISTENERS - 1))]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Signals are the process's, which drains its siblings in order."""
        yield
