"""What a request may cost: the size of its body and the time it may take to send it; and headers that every answer carries."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY: Final = 256 * 1024
"""Bytes of a body, where a route has no limit of its own."""
LARGER: Final[Mapping[str, int]] = {"/reports/batch": 16 * 1024 * 1024, "/events": 4 * 1024 * 1024}
BODY_WITHIN: Final = 30.0
"""Seconds in which a body must have arrived."""


class Limits:
    """Counts what is really sent, whatever Content-Length claims."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = LARGER.get(scope["path"], BODY)
        deadline = asyncio.get_running_loop().time() + BODY_WITHIN
        received, complete = 0, False

        async def counted() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, f"the body must arrive within {BODY_WITHIN:.0f} seconds") from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > limit:
                raise HTTPException(413, f"the body may have {limit} bytes; send evidence by its digest")
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("Referrer-Policy", "no-referrer")
            await send(message)

        await self._app(scope, counted, with_headers)
