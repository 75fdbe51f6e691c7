"""What a request may cost: the size of its body and the time it may take to send it."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime import headers
from shared.runtime.problems import problem

BODY: Final = 256 * 1024
"""Bytes of a body, where a route has no limit of its own."""
LARGER: Final[Mapping[str, int]] = {"/reports/batch": 16 * 1024 * 1024, "/events": 4 * 1024 * 1024}
BODY_WITHIN: Final = 30.0
"""Seconds in which a body must have arrived."""

CLOSE: Final = {"Connection": "close"}
"""The rest of a refused body is not read."""


class Limits:
    """Counts what is really sent, whatever Content-Length claims."""

    def __init__(self, app: ASGIApp, larger: Mapping[str, int] = LARGER, within: float = BODY_WITHIN) -> None:
        self._app = app
        self._larger = larger
        self._within = within

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._larger.get(scope["path"], BODY)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers.complete(MutableHeaders(scope=message))
            await send(message)

        claimed = Headers(scope=scope).get("content-length", "")
        if claimed.isdecimal() and int(claimed) > limit:
            refusal = problem(413, "too-large", "The request cannot be served", _too_large(limit), CLOSE)
            await refusal(scope, receive, with_headers)
        else:
            await self._app(scope, self._counted(receive, limit), with_headers)

    def _counted(self, receive: Receive, limit: int) -> Receive:
        deadline = asyncio.get_running_loop().time() + self._within
        received, complete = 0, False

        async def counted() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, f"the body must arrive within {self._within:g} seconds", CLOSE) from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > limit:
                raise HTTPException(413, _too_large(limit), CLOSE)
            return message

        return counted


def _too_large(limit: int) -> str:
    return f"the body may have {limit} bytes; send evidence by its digest"
