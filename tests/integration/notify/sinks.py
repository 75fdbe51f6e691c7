"""Real receivers of the protocols that messages go out by."""

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.integration.servers import free_port

PATIENCE = 60.0
"""Seconds that a receiver is silent for at most."""


@dataclass(slots=True)
class Webhook:
    """`answers` are given in turn, then 200; while `open` is not set, a request gets no answer."""

    port: int = 0
    received: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)

    @property
    def entry(self) -> dict[str, Any]:
        """What the channels file says of it."""
        return {
            "url": f"http://127.0.0.1:{self.port}/a-secret-path",
            "secret": "whsec_" + base64.b64encode(bytes(32)).decode(),
            "allow_private": True,
            "timeout": 25,
        }

    @property
    def titles(self) -> list[str]:
        return [message["data"]["title"] for message in self.received]


@contextlib.contextmanager
def webhook() -> Iterator[Webhook]:
    sink = Webhook()
    sink.open.set()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sink.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            sink.open.wait(PATIENCE)
            # A sender that was killed in between does not hear the answer.
            with contextlib.suppress(ConnectionError):
                self.send_response(sink.answers.pop(0) if sink.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    sink.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield sink
    finally:
        sink.open.set()
        server.shutdown()
        server.server_close()


@dataclass(slots=True)
class Mailbox:
    """`answers` are given to DATA in turn, then 250."""

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    @property
    def entry(self) -> dict[str, Any]:
        """What the channels file says of it."""
        to = "from=ledger@example.org&to=lead@example.org&tls=none"
        return {"url": f"smtp://127.0.0.1:{self.port}?{to}", "allow_private": True}

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.answers:
            return self.answers.pop(0)
        message = message_from_bytes(
            cast("bytes", envelope.original_content), policy=policy.default
        )
        self.received.append(cast("EmailMessage", message))
        return "250 taken"


@contextlib.contextmanager
def mailbox() -> Iterator[Mailbox]:
    sink = Mailbox(free_port())
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
