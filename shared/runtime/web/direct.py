"""Routes whose plain requests are answered without FastAPI's search for the route, its
dependencies, its validation and its serialising, which together cost several times what such a
request itself does.

A direct route is declared, documented and guarded as any other. What its short way does not take
goes the declared way."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TypeAlias

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.runtime.web.auth import Allow
from shared.runtime.web.reading import StrictRoute, again

Place: TypeAlias = tuple[str, str]
"""Method and path."""


class DirectRoute(StrictRoute, ABC):
    @abstractmethod
    async def direct(self, request: Request, guard: Allow) -> Response | None:
        """The answer to a request that is plainly for this route; None sends it the declared way.
        Asks the guard first of all that has an effect."""

    @property
    def guard(self) -> Allow:
        (guard,) = (
            dependency.dependency
            for dependency in self.dependencies
            if isinstance(dependency.dependency, Allow)
        )
        return guard


def install(app: FastAPI, router: APIRouter) -> None:
    """Puts the router's direct routes in front of the application's search for routes, inside of
    all that is around routes."""
    routes = {
        (method, route.path): route
        for route in router.routes
        if isinstance(route, DirectRoute)
        for method in route.methods or ()
    }
    if routes:
        app.router.middleware_stack = _Front(app.router.middleware_stack, routes)


class _Front:
    def __init__(self, app: ASGIApp, routes: Mapping[Place, DirectRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = (
            self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        )
        if route is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        response = await route.direct(request, route.guard)
        if response is None:
            await self._app(scope, again(await request.body(), receive), send)
        else:
            await response(scope, receive, send)
