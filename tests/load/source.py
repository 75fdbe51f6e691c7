"""Where reports come from: so many a second, whether the answers come or not, each on a connection
of its own while it waits.

Bare sockets, because whoever makes the load shares the machine with whoever bears it.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from tests.bench.callers import request

TICK: Final = 0.005
ANSWERS_WITHIN: Final = 60.0
OVERLOADED: Final = (429, 503)


@dataclass(slots=True)
class Tally:
    """What became of the reports of a source."""

    offered: int = 0
    unsent: int = 0
    """Given up at the source: all its connections were waiting for answers."""
    accepted: list[bytes] = field(default_factory=list)
    """Their events' hashes."""
    refused: Counter[int] = field(default_factory=Counter)
    """By status."""
    without_retry_after: int = 0
    unknown: int = 0
    """The connection ended without an answer."""
    seconds: list[float] = field(default_factory=list)
    """To the receipt, of those accepted."""
    elapsed: float = 0.0

    @property
    def sent(self) -> int:
        return self.offered - self.unsent

    @property
    def overloaded(self) -> int:
        return sum(self.refused[status] for status in OVERLOADED)


@dataclass(slots=True)
class Source:
    port: int
    message: bytes
    most: int
    tally: Tally = field(default_factory=Tally)
    idle: "list[_Connection]" = field(default_factory=list)
    open: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _connecting: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    def of(cls, port: int, token: str, most: int, body: bytes) -> "Source":
        return cls(port, request("/reports", body, token), most)

    async def run(self, rate: float, seconds: float) -> Tally:
        """Offers `rate` reports a second for so long, then waits for what is under way."""
        start = time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            for _ in range(int(elapsed * rate) - self.tally.offered):
                self._offer()
            await asyncio.sleep(TICK)
        self.tally.elapsed = time.perf_counter() - start
        async with asyncio.timeout(ANSWERS_WITHIN):
            while self._connecting or self.open > len(self.idle):
                self.ended.clear()
                await self.ended.wait()
        for connection in self.idle:
            connection.close()
        return self.tally

    def _offer(self) -> None:
        self.tally.offered += 1
        if self.idle:
            self.idle.pop().send()
        elif self.open < self.most:
            self.open += 1
            task = asyncio.create_task(self._connect())
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)
        else:
            self.tally.unsent += 1

    async def _connect(self) -> None:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: _Connection(self), "127.0.0.1", self.port
            )
        except OSError:
            self.open -= 1
            self.tally.unsent += 1
        else:
            connection.send()
        self.ended.set()


class _Connection(asyncio.Protocol):
    def __init__(self, source: Source) -> None:
        self._source = source
        self._buffer = bytearray()
        self._sent_at: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._source.message)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        if (
            self._sent_at is None
        ):  # its place is taken back: the end of the connection is on its way
            if self in self._source.idle:
                self._source.idle.remove(self)
            self._source.ended.set()
            return
        self._answered(int(head[9:12]), head, bytes(self._buffer[end + 4 :]))
        self._buffer.clear()
        self._sent_at = None
        if b"connection: close" not in head:
            self._source.idle.append(self)
        self._source.ended.set()

    def _answered(self, status: int, head: bytes, body: bytes) -> None:
        tally = self._source.tally
        if status == 201:
            assert self._sent_at is not None
            tally.seconds.append(time.perf_counter() - self._sent_at)
            at = body.index(b'"hash":"') + 8
            tally.accepted.append(bytes.fromhex(body[at : at + 64].decode()))
        else:
            tally.refused[status] += 1
            tally.without_retry_after += status in OVERLOADED and b"retry-after:" not in head

    def connection_lost(self, exc: Exception | None) -> None:
        self._source.open -= 1
        if self._sent_at is not None:
            self._source.tally.unknown += 1
        if self in self._source.idle:
            self._source.idle.remove(self)
        self._source.ended.set()
