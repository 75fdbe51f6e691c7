"""Where the messages of a local stack arrive until it gets channels of its own: a real receiver of
webhooks, as `services/notify/CHANNELS.md` describes one.

It takes what is signed with its secret, and keeps each message once, as a file that its owner alone
may read; the newest name is the newest message."""

import contextlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from standardwebhooks import Webhook, WebhookVerificationError

from deploy.local.keys import write_secret
from deploy.local.ports import HOST
from shared.runtime.process import clock

LARGEST: Final = 1 << 20
WITHIN: Final = 10.0
"""Seconds that a sender may take over a message."""

_ID: Final = re.compile(r"msg_[0-9a-f-]{36}")


@contextlib.contextmanager
def inbox(port: int, folder: Path, secret: str) -> Iterator[int]:
    """Receives on this port of this machine for as long as the body runs, and gives the port: 0
    asks for any that is free. `secret` is that of the channel: whsec_…"""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = _Kept(folder, Webhook(secret))

    class Receiver(BaseHTTPRequestHandler):
        timeout = WITHIN

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not (length.isascii() and length.isdecimal()):
                self.send_error(411)
            elif int(length) > LARGEST:
                self.send_error(413)
            else:
                self._answer(self.rfile.read(int(length)))

        def _answer(self, body: bytes) -> None:
            try:
                taken = kept.take(body, dict(self.headers.items()))
            except OSError:  # a full disk: to say nothing would leave the outcome unknown
                self.send_error(507)
                return
            if not taken:
                self.send_error(401)
                return
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The files say it."""

    server = ThreadingHTTPServer((HOST, port), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


class _Kept:
    """The messages that arrived."""

    def __init__(self, folder: Path, secret: Webhook) -> None:
        self._folder, self._secret = folder, secret
        self._one_at_a_time = threading.Lock()

    def take(self, body: bytes, headers: dict[str, str]) -> bool:
        """Keeps a message, unless it is here already: a sender repeats what it got no answer to.
        False when it is not signed with our secret, or was signed too long ago."""
        try:
            self._secret.verify(body, headers, json_parse=False)
        except (WebhookVerificationError, ValueError):
            return False
        given = {name.lower(): value for name, value in headers.items()}["webhook-id"]
        if _ID.fullmatch(given) is None:
            return False
        with self._one_at_a_time:
            if not any(self._folder.glob(f"*-{given}.json")):
                name = f"{clock.now():%Y%m%dT%H%M%S.%fZ}-{given}.json"
                write_secret(self._folder / name, body.decode("utf-8"))
        return True
