"""What is asked of a request before its body is read: whether the address and the method exist,
whether the caller may come in, whether its parameters are known, whether its body can be read.

All of it stands in the declared routes; nothing here names one."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.web import headers, problems
from shared.runtime.web.auth import Allow
from shared.runtime.web.edge.limits import BODY, CLOSE, MOST, READING, Takes

SHOWN: Final = 60
"""Characters of a caller's parameter that an answer repeats."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """What a declared route asks of a request."""

    guard: Allow | None
    """None lets in anybody."""
    parameters: tuple[str, ...]
    body: int
    """Bytes that a body may have."""
    as_get: bool = False
    """Whether a HEAD is answered as the GET would be, without its body."""


class Entrances:
    """The entrances of an application, by address and method; of two that fit, the first declared
    counts, as it does for the framework."""

    def __init__(self, app: FastAPI) -> None:
        self._declared = [
            (compile_path(route.path)[0], _methods(route), _entrance(route))
            for route in iter_route_contexts(app.routes)
            if route.path is not None
        ]
        self._plain = {
            route.path: self._look_for(route.path)
            for route in iter_route_contexts(app.routes)
            if route.path is not None and "{" not in route.path
        }
        """Found once: most requests come to an address without parameters."""

    def at(self, path: str) -> Mapping[str, Entrance]:
        """By method; empty where nothing has this address."""
        return self._plain.get(path) or self._look_for(path)

    def _look_for(self, path: str) -> Mapping[str, Entrance]:
        found: dict[str, Entrance] = {}
        for pattern, methods, entrance in self._declared:
            if pattern.match(path):
                found = dict.fromkeys(methods, entrance) | found
        if "GET" in found:
            found.setdefault("HEAD", replace(found["GET"], as_get=True))
        return found


def _methods(route: RouteContext) -> frozenset[str]:
    return frozenset(route.methods or ())


def _entrance(route: RouteContext) -> Entrance:
    dependant = getattr(route, "dependant", None)
    calls = [one.call for one in dependant.dependencies] if dependant is not None else []
    return Entrance(
        next((call for call in calls if isinstance(call, Allow)), None),
        tuple(sorted({*_parameters(dependant)})) if dependant is not None else (),
        next((call.most for call in calls if isinstance(call, Takes)), BODY),
    )


def _parameters(dependant: Any) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _parameters(inner)


class Door:
    """Stands around all else, for what is refused here must cost little."""

    def __init__(self, app: ASGIApp, entrances: Entrances) -> None:
        self._app = app
        self._entrances = entrances

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers.complete(MutableHeaders(scope=message))
            elif message["type"] == "http.response.body" and scope["method"] == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        entrance, refusal = await self._enter(scope)
        if entrance is None or refusal is not None:
            refusal = refusal or problems.nothing_here()
            if _has_body(scope):
                refusal.headers.update(CLOSE)  # what is not read is in the next request's way
            await refusal(scope, receive, answer)
            return
        scope[MOST] = entrance.body
        inner = {**scope, "method": "GET"} if entrance.as_get else scope
        await self._app(inner, receive, answer)

    async def _enter(self, scope: Scope) -> tuple[Entrance | None, Response | None]:
        entrances = self._entrances.at(scope["path"])
        entrance = entrances.get(scope["method"])
        if entrance is None:
            return None, problems.other_methods(entrances) if entrances else None
        if entrance.guard is not None and (refusal := await _asked(entrance.guard, scope)):
            return entrance, refusal
        return entrance, _unknown(scope, entrance.parameters) or _encoded(scope)


async def _asked(guard: Allow, scope: Scope) -> Response | None:
    try:
        await guard.check(Request(scope))
    except problems.ANSWERED as error:
        return problems.response_to(error)
    return None


def _unknown(scope: Scope, known: tuple[str, ...]) -> Response | None:
    """Passed over, a filter that is misspelt would list everything."""
    query = scope["query_string"].decode("latin-1")
    names = Counter(name for name, _ in parse_qsl(query, keep_blank_values=True))
    takes = f"this address takes {', '.join(known)}" if known else "this address takes none"
    wrong = [
        (name, "is given more than once; send it once" if name in known else f"is unknown; {takes}")
        for name, times in names.items()
        if name not in known or times > 1
    ]
    if not wrong:
        return None
    return problems.invalid(
        [{"pointer": f"query.{name[:SHOWN]}", "detail": detail} for name, detail in wrong]
    )


def _encoded(scope: Scope) -> Response | None:
    coding = Headers(scope=scope).get("content-encoding", "identity").strip().lower()
    if scope["method"] in READING or coding in {"", "identity"}:
        return None
    return problems.other_media("send the body as it is, without Content-Encoding", coding=True)


def _has_body(scope: Scope) -> bool:
    sent = Headers(scope=scope)
    return sent.get("content-length", "0") != "0" or "transfer-encoding" in sent
