"""The route class of all routes that take a body: it is read strictly, and its model sees the JSON
text."""

from collections.abc import Callable, Coroutine, Iterator
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
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


def require_strict(app: FastAPI) -> None:
    """Raises ValueError, naming the route, where a body would be read laxly: by another class of
    route, or into a model that is not a Body, or has a part that is none."""
    for route in iter_route_contexts(app.routes):
        if (field := getattr(route, "body_field", None)) is None:
            continue
        where = f"{route.path} takes a body"
        if not isinstance(route.original_route, StrictRoute):
            raise ValueError(f"{where}: give its router route_class=StrictRoute")
        if (lax := next(_lax(field.field_info.annotation), None)) is not None:
            raise ValueError(f"{where}: derive {lax} from Body, or read the request by hand")


def _lax(annotation: Any) -> Iterator[str]:
    """What is no Body of the alternatives of a body; parts that are models and no Body."""
    is_union = get_origin(annotation) in {Union, UnionType}
    for kind in get_args(annotation) if is_union else (annotation,):
        if kind is NoneType:
            continue
        if not (isinstance(kind, type) and issubclass(kind, Body)):
            yield getattr(kind, "__name__", str(kind))
        else:
            yield from (part.__name__ for part in _parts(kind, set()) if not issubclass(part, Body))


def _parts(kind: Any, seen: set[Any]) -> Iterator[type[BaseModel]]:
    """Every model in a type, at whatever depth."""
    if kind in seen:
        return
    seen.add(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from _parts(field.annotation, seen)
    for inner in get_args(kind):
        yield from _parts(inner, seen) if _is_hashable(inner) else ()


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
