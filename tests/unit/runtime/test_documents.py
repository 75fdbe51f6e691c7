"""What each service's document says of requests, held against its readers: no database is needed to
tell a request that may be decided on from one that may not."""

from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from schemathesis import GenerationMode

from shared.contract.authority import Role
from shared.contract.vocabulary import ServiceName
from shared.runtime.service import Service
from tests.conformance import Promises
from tests.services import SERVICES, by_name
from tests.unit.runtime.callers import Issuer
from tests.unit.runtime.nowhere import standing

EXAMPLES: Final = 3
ASKS_FIRST: Final = (ServiceName.INTAKE,)
"""These ask their database about the caller before they say what is wrong with a body."""


@pytest.mark.parametrize("service", SERVICES, ids=by_name)
async def test_requests_are_taken_as_documented(
    service: Service[Any, Any, Any], tmp_path: Path
) -> None:
    issuer = Issuer(tmp_path / "jwks.json")
    modes = (GenerationMode.POSITIVE,) if service.name in ASKS_FIRST else tuple(GenerationMode)
    async with standing(issuer, service) as stands:

        async def ask(request: httpx.Request) -> httpx.Response:
            request.headers.update(issuer.headers(*Role))
            return await stands.client.send(request)

        promises = Promises(stands.app.openapi(), ask, reaches_database=False, modes=modes)
        broken = await promises.broken(EXAMPLES)
        assert not broken, "\n\n".join(broken)
