"""A TCP link that can be cut, refused, stalled, slowed, or made to swallow answers; one stands
between each pair of the stack."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from deploy.local.ports import HOST

CHUNK: Final = 65_536
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of 0: the other end sees a reset, as of a cable that was pulled, and not an orderly
end."""


@dataclass(slots=True)
class Link:
    """Listens on `port` once started; hands on to `upstream`. With no fault it only copies
    bytes."""

    name: str
    upstream: int
    port: int = 0
    refusing: bool = False
    delay: float = 0.0
    _requests_pass: asyncio.Event = field(default_factory=asyncio.Event)
    _answers_pass: asyncio.Event = field(default_factory=asyncio.Event)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self.heal()
        self._server = await asyncio.start_server(self._serve, HOST, 0, limit=CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Resets every connection; new ones are taken."""
        for writer in tuple(self._open):
            writer.transport.abort()

    def stall(self, *, requests: bool = True) -> None:
        """Keeps connections and moves no byte; without `requests` only the answers wait."""
        self._answers_pass.clear()
        if requests:
            self._requests_pass.clear()

    def heal(self) -> None:
        self.refusing, self.delay = False, 0.0
        self._requests_pass.set()
        self._answers_pass.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._kept(writer):
            if self.refusing:
                return
            try:
                upstream_reader, upstream = await asyncio.open_connection(
                    HOST, self.upstream, limit=CHUNK
                )
            except OSError:
                return
            with self._kept(upstream):
                ways = (
                    self._copy(reader, upstream, self._requests_pass),
                    self._copy(upstream_reader, writer, self._answers_pass),
                )
                await asyncio.gather(*ways)

    @contextlib.contextmanager
    def _kept(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE
        )
        self._open.add(writer)
        try:
            yield
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await passes.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
            # One side has said all it will; the other may still answer (HTTP's half-closed clients
            # do so).
            if writer.can_write_eof():
                writer.write_eof()
            return
        # A reset travels on.
        writer.transport.abort()
