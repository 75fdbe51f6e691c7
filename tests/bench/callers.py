"""Callers of HTTP that cost little themselves: keep-alive connections that each send a request when
the last one is answered."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

CALLERS = 64


def request(
    path: str, body: bytes, token: str | None = None, content_type: str = "application/json"
) -> bytes:
    headers = [
        f"POST {path} HTTP/1.1",
        "Host: bench",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
    ]
    if token is not None:
        headers.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*headers, "", ""]).encode() + body


@dataclass(slots=True)
class Caller(asyncio.Protocol):
    """One connection. `again` says whether to send once more."""

    message: bytes
    again: Callable[[], bool]
    done: asyncio.Future[None]
    answered: int = 0
    seconds: list[float] = field(default_factory=list)
    transport: asyncio.Transport | None = None
    buffer: bytearray = field(default_factory=bytearray)
    sent_at: float = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]
        self._send()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.buffer[:end])
        if len(self.buffer) < end + 4 + length_of(head):
            return
        if head[9:10] != b"2":
            self._finish(RuntimeError(bytes(self.buffer).decode()))
            return
        self.buffer.clear()
        self.answered += 1
        self.seconds.append(time.perf_counter() - self.sent_at)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(exc or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        assert self.transport is not None
        if not self.again():
            self._finish(None)
            return
        self.sent_at = time.perf_counter()
        self.transport.write(self.message)

    def _finish(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)
        if self.transport is not None:
            self.transport.close()


def length_of(head: bytes) -> int:
    """Bytes of the body that follows this head."""
    return int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])


async def answers_a_second(
    port: int, message: bytes, seconds: float, callers: int = CALLERS
) -> float:
    """How many 2xx answers all callers together get in a second."""
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    until = start + seconds
    made: list[Caller] = []
    for _ in range(callers):
        caller = Caller(message, lambda: time.perf_counter() < until, loop.create_future())
        made.append(caller)
        await loop.create_connection(lambda caller=caller: caller, "127.0.0.1", port)
    await asyncio.gather(*(caller.done for caller in made))
    return sum(caller.answered for caller in made) / (time.perf_counter() - start)
