"""What a connection may cost: how many there are, how long a client may take to ask and to read the
answer.

uvicorn bounds neither of these, and its `limit_concurrency` counts connections that do nothing, so
that whoever opens many shuts everybody out. Here a connection takes its place by asking, not by
being made. When there are too many, newcomers give way to newcomers and those who asked to those
who ask: no crowd that says nothing pushes out who is served, and nobody who is served pushes out a
newcomer before it could ask. Health has a place always."""

import asyncio
import logging
import resource
from collections import OrderedDict
from functools import partial
from typing import Any, Final, cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from shared.runtime.process import telemetry
from shared.runtime.web import headers
from shared.runtime.web.edge.limits import ALWAYS, CLOSE
from shared.runtime.web.overload import Reason, refused
from shared.runtime.web.problems import overloaded, problem

MOST: Final = 1280
FOR_NEWCOMERS: Final = 5
"""Every fifth place is kept for those who have not asked yet; they may have the others while those
are free."""
HEAD: Final = 64 * 1024
"""Bytes of a request's line and headers."""
HEAD_WITHIN: Final = 10.0
"""Seconds from a connection's begin, or from a request's first byte, to the end of its headers."""
READ_WITHIN: Final = 30.0
"""Seconds in which a client must take something of an answer that waits for it."""
LINGER: Final = 1.0
"""Seconds that a refused connection is still read from, and not listened to: closed at once, what
the client is just sending would undo the answer on its way."""

_log = logging.getLogger("uvicorn.error.connection")
_log.setLevel(logging.ERROR)  # of bad requests uvicorn warns one by one; here they are counted


def protocol(
    most: int | None = None, head_within: float = HEAD_WITHIN, read_within: float = READ_WITHIN
) -> Any:
    """What uvicorn takes as `http`: all connections of one server know of each other."""
    return partial(Connection, _Places(most or affordable()), head_within, read_within)


def affordable() -> int:
    """No more than half of the files that this process may have open: database, broker and log need
    some too."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else min(MOST, soft // 2)


class _Places:
    """Every connection that is not being closed is one of these: a newcomer, waited for, at
    work."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._for_newcomers = max(1, most // FOR_NEWCOMERS)
        self._newcomers: OrderedDict[Connection, None] = OrderedDict()
        """Never had a whole head, in the order in which they came: whoever sends one byte at a time
        stays no longer."""
        self._waited_for: dict[bool, OrderedDict[Connection, None]] = {
            False: OrderedDict(),
            True: OrderedDict(),
        }
        """Whose client is to send something, in the order in which they last did: never answered
        yet, and answered before."""
        self._at_work: set[Connection] = set()
        self._lingering: OrderedDict[Connection, None] = OrderedDict()
        """Refused; beside those who have a place there are no more of them than newcomers have
        places."""

    def come(self, connection: "Connection") -> None:
        """Lets the newcomer in; of all newcomers the first gives way when there are too many
        connections."""
        self._newcomers[connection] = None
        if len(self) > self.most:
            self._newcomers.popitem(last=False)[0].refuse(overloaded(), Reason.NEWCOMER)

    def ask(self, connection: "Connection", *, always: bool) -> bool:
        """Whether there is a place for one that asks: a free one, or that of whoever has been
        waited for longest."""
        self.leave(connection)
        asked = len(self) - len(self._newcomers)
        if (
            asked >= self.most - self._for_newcomers
            and not self._somebody_gives_way()
            and not always
        ):
            return False
        self._at_work.add(connection)
        return True

    def wait_for(self, connection: "Connection", *, answered: bool) -> None:
        """Its client's turn; a newcomer stays one until it has asked."""
        if connection not in self._newcomers:
            self.leave(connection)
            self._waited_for[answered][connection] = None

    def leave(self, connection: "Connection") -> None:
        self._newcomers.pop(connection, None)
        self._lingering.pop(connection, None)
        self._at_work.discard(connection)
        for waited_for in self._waited_for.values():
            waited_for.pop(connection, None)

    def linger(self, connection: "Connection") -> None:
        self._lingering[connection] = None
        if len(self._lingering) > self._for_newcomers:
            self._lingering.popitem(last=False)[0].transport.close()

    def _somebody_gives_way(self) -> bool:
        waited_for = self._waited_for[False] or self._waited_for[True]
        if not waited_for:
            return False
        # Its next request may be on its way: it is told that nobody has read it.
        waited_for.popitem(last=False)[0].refuse(overloaded(), Reason.WAITED_FOR)
        return True

    def __len__(self) -> int:
        return len(self._newcomers) + len(self._at_work) + sum(map(len, self._waited_for.values()))


async def _no_place(scope: Scope, receive: Receive, send: Send) -> None:
    refused(Reason.CONNECTIONS)
    answer = overloaded(CLOSE)
    with telemetry.named():
        headers.complete(answer.headers)
    await answer(scope, receive, send)


class _Answer:
    """A connection's transport as its cycle uses it to answer: the cycle closes at once, and what
    the client is still sending would then undo the answer on its way."""

    def __init__(self, connection: "Connection", cycle: RequestResponseCycle) -> None:
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing
        self.close = partial(connection.end, cycle)


class Connection(HttpToolsProtocol):
    def __init__(
        self, places: _Places, head_within: float, read_within: float, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _log
        self._places = places
        self._head_within, self._read_within = head_within, read_within
        self._answered = False
        self._loose = 0
        """Bytes since the last that were the end of a head or part of a body."""
        self._refused = False
        self._late: asyncio.TimerHandle | None = None
        """Runs while a head is awaited."""
        self._unread: asyncio.TimerHandle | None = None

    @property
    def _ours(self) -> bool:
        """Whether a whole request waits for our answer."""
        return (
            self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        )

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()
        self._places.come(self)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._late, self._unread):
            if timer is not None:
                timer.cancel()
        self._places.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused or self.transport.is_closing():
            return
        self._loose += len(data)
        super().data_received(data)
        if self._loose > HEAD:
            detail = f"line and headers of a request may have {HEAD} bytes"
            self.refuse(
                problem(431, "too-large", "The request cannot be served", detail),
                Reason.HEAD_TOO_LARGE,
            )
        elif not (self._ours or self._refused or self.transport.is_closing()):
            self._places.wait_for(self, answered=self._answered)

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

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        has_a_place = self._places.ask(self, always=cycle.scope["path"] in ALWAYS)
        cycle.transport = cast("asyncio.Transport", _Answer(self, cycle))
        super()._start_asgi_task(cycle, app if has_a_place else _no_place)  # type: ignore[arg-type]

    def on_body(self, body: bytes) -> None:
        self._loose = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._loose = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._answered = True
        if self._refused:
            self.server_state.total_requests += 1
            return
        super().on_response_complete()
        if not (self._ours or self._refused or self.transport.is_closing()):
            self._places.wait_for(self, answered=True)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self._read_within, self._is_not_read)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def _is_not_read(self) -> None:
        refused(Reason.UNREAD)
        self.transport.abort()

    def _await_head(self) -> None:
        self._late = self.loop.call_later(self._head_within, self._head_is_late)

    def _head_is_late(self) -> None:
        if self._ours:  # the next request came before the answer to this one, and is not read yet
            self._await_head()
        elif self._loose:
            detail = (
                f"line and headers of a request must arrive within {self._head_within:g} seconds"
            )
            self.refuse(
                problem(408, "too-slow", "The request cannot be served", detail),
                Reason.HEAD_TOO_SLOW,
            )
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        detail = f"{msg} See RFC 9112 for what a request looks like."
        self.refuse(
            problem(400, "malformed", "The request is not well formed", detail),
            Reason.HEAD_MALFORMED,
        )

    def refuse(self, answer: Response, reason: Reason) -> None:
        """An answer to what is no whole request; a request whose answer has begun is only cut
        off."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        refused(reason)
        self._places.leave(self)
        if (
            self.transport.get_write_buffer_size()
        ):  # the client does not take what it was answered before
            self.transport.abort()
            return
        if not self._unanswered:
            self.transport.close()
            return
        with telemetry.named():
            headers.complete(answer.headers)
        answer.headers["Connection"] = "close"
        lines = [
            STATUS_LINE[answer.status_code].rstrip(),
            *(b"%b: %b" % header for header in answer.raw_headers),
        ]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        self._linger()

    def end(self, cycle: RequestResponseCycle) -> None:
        """Closes after the last answer; lingers where the body of its request is not read to its
        end."""
        if not cycle.more_body or self._refused or self.transport.is_closing():
            self.transport.close()
            return
        self._refused = True
        self._places.leave(self)
        self.flow.resume_reading()
        self._linger()

    def _linger(self) -> None:
        self.transport.write_eof()
        if (
            self.cycle is not None and not self.cycle.response_complete
        ):  # nobody waits for the rest of its body
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self._late is not None:
            self._late.cancel()
        self._late = self.loop.call_later(LINGER, self.transport.close)
        self._places.linger(self)

    @property
    def _unanswered(self) -> bool:
        """Whether what is written now is read as the answer to what was asked last."""
        last = self.cycle
        if last is None or last.response_complete:
            return True
        return last.more_body and not last.response_started and not self.pipeline
