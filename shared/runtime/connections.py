"""What a connection may cost: how many there are, how long a client may take to ask and to read the answer.

uvicorn bounds neither of these, and its `limit_concurrency` counts connections that do nothing, so that whoever opens many shuts
everybody out. Here a connection is either the client's turn (it is to send a request) or ours (we work on the answer). When there are
too many, the one whose client has kept us waiting longest gives way to the newcomer, before all others one that never asked anything.
"""

import asyncio
import resource
from collections import OrderedDict
from functools import partial
from typing import Any, Final

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.runtime import headers, telemetry
from shared.runtime.problems import overloaded, problem

MOST: Final = 1024
HEAD: Final = 64 * 1024
"""Bytes of a request's line and headers."""
HEAD_WITHIN: Final = 10.0
"""Seconds from a connection's begin, or from a request's first byte, to the end of its headers."""
READ_WITHIN: Final = 30.0
"""Seconds in which a client must take something of an answer that waits for it."""


def protocol(most: int | None = None, head_within: float = HEAD_WITHIN, read_within: float = READ_WITHIN) -> Any:
    """What uvicorn takes as `http`: all connections of one server know of each other."""
    return partial(Connection, _Connections(most or affordable()), head_within, read_within)


def affordable() -> int:
    """No more than half of the files that this process may have open: database, broker and log need some too."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else min(MOST, soft // 2)


class _Connections:
    def __init__(self, most: int) -> None:
        self.most = most
        self._strangers: OrderedDict[Connection, None] = OrderedDict()
        self._known: OrderedDict[Connection, None] = OrderedDict()
        """Those whose client is to send something, in the order in which they last did: never answered yet, or answered before."""

    def wait_for(self, connection: "Connection", *, known: bool) -> None:
        self.leave(connection)
        (self._known if known else self._strangers)[connection] = None

    def leave(self, connection: "Connection") -> None:
        self._strangers.pop(connection, None)
        self._known.pop(connection, None)

    def longest(self) -> "Connection | None":
        """The one to give way; it is no longer waited for."""
        waiting = self._strangers or self._known
        return waiting.popitem(last=False)[0] if waiting else None


class Connection(HttpToolsProtocol):
    def __init__(self, all_: _Connections, head_within: float, read_within: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._all = all_
        self._head_within, self._read_within = head_within, read_within
        self._answered = False
        self._loose = 0
        """Bytes since the last that were the end of a head or part of a body."""
        self._late: asyncio.TimerHandle | None = None
        """Runs while a head is awaited."""
        self._unread: asyncio.TimerHandle | None = None

    @property
    def _ours(self) -> bool:
        """Whether a whole request waits for our answer."""
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._all.most and not self._somebody_gives_way():
            self._refuse(overloaded())
            return
        self._await_head()
        self._all.wait_for(self, known=False)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._late, self._unread):
            if timer is not None:
                timer.cancel()
        self._all.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._loose += len(data)
        super().data_received(data)
        if self._loose > HEAD:
            detail = f"line and headers of a request may have {HEAD} bytes"
            self._refuse(problem(431, "too-large", "The request cannot be served", detail))
        elif not self._ours and not self.transport.is_closing():
            self._all.wait_for(self, known=self._answered)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._late is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._loose = 0
        if self._late is not None:
            self._late.cancel()
            self._late = None
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._loose = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._loose = 0
        super().on_message_complete()
        if self._ours:
            self._all.leave(self)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._answered = True
        if not self._ours and not self.transport.is_closing():
            self._all.wait_for(self, known=True)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self._read_within, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def _somebody_gives_way(self) -> bool:
        longest = self._all.longest()
        if longest is not None:
            longest._refuse(overloaded())  # its request may be on its way  # noqa: SLF001
        return longest is not None

    def _await_head(self) -> None:
        self._late = self.loop.call_later(self._head_within, self._head_is_late)

    def _head_is_late(self) -> None:
        if self._ours:  # the next request came before the answer to this one, and is not read yet
            self._await_head()
        elif self._loose:
            detail = f"line and headers of a request must arrive within {self._head_within:g} seconds"
            self._refuse(problem(408, "too-slow", "The request cannot be served", detail))
        else:
            self.transport.close()

    def _refuse(self, answer: Response) -> None:
        """An answer to what is no whole request; a request whose answer has begun is only cut off."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            with telemetry.span_from(None, "refused"):
                headers.complete(answer.headers)
            answer.headers["Connection"] = "close"
            lines = [STATUS_LINE[answer.status_code].rstrip(), *(b"%b: %b" % header for header in answer.raw_headers)]
            self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        self.transport.close()
