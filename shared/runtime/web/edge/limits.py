"""What a request may cost: the size of its body, the time it may take to send it, and a place among
those under way.

What there is no place for is refused before anything runs out, and all that has a place is done. A
request takes its place when the whole of it has arrived, so slow callers hold up nobody."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import Depends
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.process import telemetry
from shared.runtime.web.overload import Reason, refused
from shared.runtime.web.problems import overloaded, problem

BODY: Final = 256 * 1024
"""Bytes of a body, where a route has no limit of its own."""
MOST: Final = "incident_ledger.most"
"""In a scope: bytes that the body of this request may have."""
BODY_WITHIN: Final = 30.0
"""Seconds in which a body must have arrived."""
HELD: Final = 32 * 1024 * 1024
"""Bytes of all bodies together. Over that, the one that has been arriving longest gives way."""
READS: Final = 256
"""Requests under way that only read: they have places of their own, so that no flood of reports
shuts readers out."""
WRITES: Final = 512
"""All other requests under way."""
ALWAYS: Final = frozenset(telemetry.HEALTH)
"""Answered however much is under way."""
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

CLOSE: Final = {"Connection": "close"}
"""The rest of a refused body is not read."""


@dataclass(frozen=True, slots=True)
class Takes:
    """Marks a route whose body may have another size than most."""

    most: int

    async def __call__(self) -> None:
        """Read where the route is declared; a request has nothing to ask of it."""


def takes(most: int) -> Any:
    """For `dependencies=[…]` of a route: bytes that its body may have."""
    return Depends(Takes(most))


class Limits:
    """Counts what is really sent, whatever Content-Length claims."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        body: int = BODY,
        within: float = BODY_WITHIN,
        held: int = HELD,
        reads: int = READS,
        writes: int = WRITES,
    ) -> None:
        self._app = app
        self._body = body
        self._within = within
        self._may_be_held = held
        self._places = {True: reads, False: writes}
        self._arriving: dict[_Body, None] = {}
        """In the order in which they began."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] in ALWAYS:
            await self._app(scope, receive, send)
            return
        body = _Body(scope.get(MOST, self._body), asyncio.get_running_loop().time() + self._within)
        try:
            refusal = await self._take(body, scope, receive)
            if refusal is None:
                await self._in_its_place(scope, body.then(receive), send)
            else:
                await refusal(scope, receive, send)
        except Gone:
            pass
        finally:
            self._may_be_held += body.size

    async def _in_its_place(self, scope: Scope, receive: Receive, send: Send) -> None:
        reads = scope["method"] in READING
        if not self._places[reads]:
            refused(Reason.READS if reads else Reason.WRITES)
            await overloaded()(scope, receive, send)
            return
        self._places[reads] -= 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._places[reads] += 1

    async def _take(self, body: "_Body", scope: Scope, receive: Receive) -> Response | None:
        """Reads the body to its end; the refusal if it does not come to one."""
        claimed = Headers(scope=scope).get("content-length", "")
        if claimed.isdecimal() and int(claimed) > body.limit:
            return _too_large(body.limit)
        self._arriving[body] = None
        try:
            while not body.complete:
                arrived = await body.next(
                    receive
                )  # others count meanwhile: `-= await …` would forget what they did
                self._may_be_held -= arrived
                if body.size > body.limit:
                    return _too_large(body.limit)
                if self._may_be_held < 0 and not self._somebody_gives_way(body):
                    return _no_room()
        except TimeoutError:
            return _no_room() if body.gives_way else _too_slow(self._within)
        finally:
            self._arriving.pop(body, None)
        return None

    def _somebody_gives_way(self, newest: "_Body") -> bool:
        longest = next(iter(self._arriving))
        if longest is newest:
            return False
        del self._arriving[longest]
        self._may_be_held += longest.give_way()
        return True


class Gone(Exception):
    """The caller went away before the request had arrived."""


@dataclass(slots=True, eq=False)
class _Body:
    limit: int
    deadline: float
    size: int = 0
    complete: bool = False
    gives_way: bool = False
    chunks: list[bytes] = field(default_factory=list)
    awaited: asyncio.Timeout | None = None
    handed_out: bool = False

    async def next(self, receive: Receive) -> int:
        """Takes what arrives next; how many bytes that are."""
        async with asyncio.timeout_at(self.deadline) as self.awaited:
            message = await receive()
        self.awaited = None
        if message["type"] == "http.disconnect":
            raise Gone
        chunk: bytes = message.get("body", b"")
        self.chunks.append(chunk)
        self.size += len(chunk)
        self.complete = not message.get("more_body", False)
        return len(chunk)

    def give_way(self) -> int:
        """Stops to arrive; how many bytes that frees."""
        self.gives_way, self.deadline = True, 0.0
        if self.awaited is not None and not self.awaited.expired():
            self.awaited.reschedule(0.0)
        freed, self.size = self.size, 0
        self.chunks.clear()
        return freed

    def then(self, receive: Receive) -> Receive:
        """Gives the whole body, and afterwards what else there is to be received."""

        async def given() -> Message:
            if self.handed_out:
                return await receive()
            self.handed_out = True
            body = b"".join(self.chunks)
            self.chunks.clear()  # not held twice
            return {"type": "http.request", "body": body, "more_body": False}

        return given


def _no_room() -> Response:
    refused(Reason.BODIES)
    return overloaded(CLOSE)


def _too_large(limit: int) -> Response:
    refused(Reason.BODY_TOO_LARGE)
    detail = f"the body may have {limit} bytes; send evidence by its digest"
    return problem(413, "too-large", "The request cannot be served", detail, CLOSE)


def _too_slow(within: float) -> Response:
    refused(Reason.BODY_TOO_SLOW)
    detail = f"the body must arrive within {within:g} seconds"
    return problem(408, "too-slow", "The request cannot be served", detail, CLOSE)
