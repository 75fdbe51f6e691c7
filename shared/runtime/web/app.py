"""The HTTP application of a service: its routes and those that all have, guards, problems, limits,
telemetry."""

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI

from shared.runtime.process import telemetry
from shared.runtime.running import Running
from shared.runtime.web import direct, problems, reading, routes
from shared.runtime.web.auth import Authenticator, permissions
from shared.runtime.web.edge.door import Door, Entrances
from shared.runtime.web.edge.limits import Limits
from shared.runtime.web.edge.traces import Leaving
from shared.runtime.web.openapi import documented
from shared.runtime.web.persons.named import Naming


def create_app(running: Running[Any, Any, Any], router: APIRouter, title: str) -> FastAPI:
    """The service's application. Raises ValueError when a route does not say who may call it, or
    would read a body laxly."""
    app = FastAPI(
        title=title,
        version=version("incident-ledger"),
        description="A service of the incident ledger. Refusals are problem details (RFC 9457): "
        "they say what to do next.",
        servers=[{"url": "/", "description": "This service"}],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        # `telemetry.instrument` gives each request its span.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.running = running
    app.state.authenticator = Authenticator(
        running.settings.jwks,
        running.settings.jwt_issuer,
        running.settings.jwt_audience,
        running.people,
        running.settings.jwt_lifetime,
        running.settings.jwks_ca_file,
    )
    problems.install(app)
    app.include_router(router, responses=problems.RESPONSES)
    direct.install(app, router)
    app.include_router(routes.router)
    tuple(permissions(app))  # raises now, not when somebody finds the open door
    reading.require_strict(app)
    telemetry.instrument(app, Leaving(app))
    app.add_middleware(Naming, people=running.people)
    # The last is around all else: to refuse must cost little, and what is too much must cost less.
    app.add_middleware(Limits)
    app.add_middleware(Door, entrances=Entrances(app))
    app.openapi = lambda: documented(FastAPI.openapi(app))  # type: ignore[method-assign]
    return app
