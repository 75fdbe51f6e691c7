"""Requests that leave the trace of their caller, because the caller may be anonymous: the trace
leads to a browser, an agent, a session.

Whether a caller is anonymous stands in the body, which is read long after the request has its
span. The request therefore begins a trace of its own; what turns out to be said by name goes on in
the caller's (`telemetry.within`)."""

from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path
from starlette.types import Scope


class LeavesTrace:
    """Marks a route whose requests leave their caller's trace."""

    async def __call__(self) -> None:
        """Read where the route is declared; a request has nothing to ask of it."""


def leaves_trace() -> Any:
    """For `dependencies=[…]` of a route: its requests leave their caller's trace."""
    return Depends(LeavesTrace())


class Leaving:
    """Which requests to an application do."""

    def __init__(self, app: FastAPI) -> None:
        self._patterns = [
            (compile_path(route.path)[0], frozenset(route.methods or ()))
            for route in iter_route_contexts(app.routes)
            if route.path is not None and leaves(route)
        ]

    def __call__(self, scope: Scope) -> bool:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        return any(
            method in methods and pattern.match(scope["path"])
            for pattern, methods in self._patterns
        )


def leaves(route: Any) -> bool:
    """Whether the declared route is marked."""
    dependant = getattr(route, "dependant", None)
    dependencies = dependant.dependencies if dependant is not None else ()
    return any(isinstance(one.call, LeavesTrace) for one in dependencies)
