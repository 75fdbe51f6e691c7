"""Each service on a real database and broker, held against its own OpenAPI document.

A short run by default; LEDGER_TEST_EXAMPLES asks for more requests to each route."""

import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from deploy.local.tokens import issue
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.vocabulary import Platform, ServiceName
from shared.runtime.process import clock
from shared.runtime.service import Service
from shared.runtime.web.app import create_app
from tests.conformance import UNTOLD, Promises
from tests.integration.conftest import Environment
from tests.integration.serving import others, process, until
from tests.services import SERVICES, by_name

EXAMPLES: Final = int(os.environ.get("LEDGER_TEST_EXAMPLES", "3"))
OPENED: Final[EventData] = Reported(
    opens=True,
    exercise=False,
    channel=ReportChannel.API,
    exposure=Exposure(platform=Platform.MASTODON),
)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("service", SERVICES, ids=by_name)
async def test_the_service_does_what_its_document_says(
    environment: Environment, service: Service[Any, Any, Any]
) -> None:
    token = issue(environment.keys, "everybody", list(Role))
    async with _served(environment, service) as (app, incident):
        transport = httpx.ASGITransport(app)
        http = httpx.AsyncClient(transport=transport, base_url="http://service")

        async def ask(request: httpx.Request) -> httpx.Response:
            request.headers["Authorization"] = f"Bearer {token}"
            return await http.send(request)

        known = {"incident_id": str(incident)} if incident else {}
        async with http:
            broken = await Promises(app.openapi(), ask, known, untold=UNTOLD).broken(EXAMPLES)
        assert not broken, "\n\n".join(broken)


@contextlib.asynccontextmanager
async def _served(
    environment: Environment, service: Service[Any, Any, Any]
) -> AsyncIterator[tuple[FastAPI, UUID | None]]:
    """The service with an incident that it has heard of, unless it is the one that opens them."""
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(
            process(environment, service, "writer", "relay", "consumer")
        )
        incident: UUID | None = None
        if service.name is not ServiceName.INTAKE:
            incident = opened = clock.new_id()
            intake = await stack.enter_async_context(others(environment, ServiceName.INTAKE))
            await intake.say(incident, OPENED)

            async def heard() -> bool:
                return (await running.ledger.load(opened)).version > 0

            await until(heard, "it hears of the incident")
        yield create_app(running, service.router, service.title), incident
