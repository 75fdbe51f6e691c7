"""The route class of all routes that take a body: it is read strictly, and its model sees the JSON
text."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, get_args

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from shared.runtime.web import problems, strict
from shared.runtime.web.bodies import Body, Sent


class StrictRoute(APIRoute):
    """For `route_class` of a router."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        model = next(models(self.body_field), None) if self.body_field else None
        if model is None:
            return handle
        items = model.ITEMS

        async def strictly(request: Request) -> Response:
            body = await request.body()
            if body and not _is_json(request.headers.get("content-type", "")):
                return problems.other_media("send the body as application/json")
            read = _Read(request.scope, again(body, request.receive))
            read.sent = sent(body, items) if body else None
            return await handle(read)

        return strictly


class _Read(Request):
    """A request whose JSON text has been checked."""

    sent: Sent | None = None

    async def json(self) -> Any:
        return self.sent


def sent(data: bytes, items: int = strict.ITEMS) -> Sent:
    """The JSON text for its model. Raises RequestValidationError."""
    try:
        return Sent(strict.checked(data, items=items))
    except strict.Unreadable as error:
        raise RequestValidationError(
            [{"type": "unreadable", "loc": ("body",), "msg": str(error)}]
        ) from error


def again(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read once more, and afterwards what else there is to be received."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _is_json(content_type: str) -> bool:
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def models(field: Any) -> Iterator[type[Body]]:
    """The strict model of a route's body, which may be left out."""
    annotation = field.field_info.annotation
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, Body):
            yield kind
