"""Where the messages of a local stack arrive until it gets channels of its own: a real HTTP
receiver, as a chat or a pager would be.

It keeps each message as a file that its owner alone may read; the newest name is the newest
message."""

import contextlib
import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from deploy.local.keys import write_secret
from deploy.local.ports import HOST

LARGEST: Final = 1 << 20
WITHIN: Final = 10.0
"""Seconds that a sender may take over a message."""


@contextlib.contextmanager
def inbox(port: int, folder: Path) -> Iterator[None]:
    """Receives on this port of this machine for as long as the body runs."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    numbers = itertools.count()

    class Receiver(BaseHTTPRequestHandler):
        timeout = WITHIN

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal():
                self.send_error(411)
            elif int(length) > LARGEST:
                self.send_error(413)
            else:
                name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{next(numbers)}.json"
                write_secret(folder / name, self.rfile.read(int(length)).decode("utf-8", "replace"))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """The files say it."""

    server = ThreadingHTTPServer((HOST, port), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
