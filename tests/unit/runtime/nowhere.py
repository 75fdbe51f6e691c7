"""A service without a database and a broker: what a request meets before it needs either."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import RouteContext

from deploy.local.keys import write_secret
from shared.chain.trust import Trust
from shared.contract.authority import Role
from shared.runtime.process.settings import ServiceSettings
from shared.runtime.running import Running
from shared.runtime.say.keyring import Keyring
from shared.runtime.say.ledger import Ledger
from shared.runtime.service import Service
from shared.runtime.web.app import create_app
from shared.runtime.web.auth import permissions
from shared.tlog.keys import generate_key
from tests.unit.runtime import seats
from tests.unit.runtime.callers import AUDIENCE, ISSUER, SECRET, Issuer

INCIDENT = "01960000-0000-7000-8000-000000000001"


@asynccontextmanager
async def running_nowhere(
    issuer: Issuer, service: Service[Any, Any, Any] = seats.SERVICE
) -> AsyncIterator[Running[Any, Any, Any]]:
    """A real service; whoever it asks is not there."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        settings = ServiceSettings(
            database_dsn=f"postgresql://triage_service:x@{address}/incident_triage",
            kafka_bootstrap=address,
            signing_key_file=issuer.file,
            trust_file=issuer.file,
            pseudonym_key_file=_secret(issuer.file.parent / "pseudonym.key"),
            jwks=str(issuer.file),
            jwt_issuer=ISSUER,
            jwt_audience=AUDIENCE,
            http_port=0,
        )
        async with asyncpg.create_pool(
            settings.database_dsn.get_secret_value(), min_size=0
        ) as pool:
            trust = Trust(())
            keyring = Keyring(service.name, settings.signing_key_file, trust)
            ledger = Ledger(pool, keyring, service.rules)
            writer = asyncio.create_task(ledger.run())
            own = service.settings.model_construct(
                **settings.model_dump(), **_files(issuer.file.parent)
            )
            async with service.resources.open(own) as resources:
                yield Running(service, own, resources, pool, ledger, trust, frozenset({"http"}))
            writer.cancel()


def _files(folder: Path) -> dict[str, Any]:
    """What the services' own settings name, where it has no default."""
    channels, log_key = folder / "channels.json", folder / "log.key"
    write_secret(channels, json.dumps({"desk": "json://127.0.0.1:9/"}))
    write_secret(log_key, generate_key("incident-ledger/log")[0])
    return {
        "anonymity_key_file": _secret(folder / "anonymity.key"),
        "channels_file": channels,
        "log_key_file": log_key,
        "log_store": str(folder / "log"),
    }


def _secret(file: Path) -> Path:
    write_secret(file, SECRET.decode())
    return file


def calling(app: Callable[..., Any]) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://ledger")


@dataclass(frozen=True, slots=True)
class Address:
    """A declared route, as its callers reach it."""

    method: str
    path: str
    allowed: frozenset[Role] | None
    route: RouteContext

    @property
    def role(self) -> Role | None:
        return None if self.allowed is None else min(self.allowed)

    @property
    def wrong(self) -> Role | None:
        """A role that may not call it."""
        return None if self.allowed is None else min(set(Role) - self.allowed, default=None)

    @property
    def parameters(self) -> list[Any]:
        """Those of the query, also where a filter gathers them."""
        every = get_flat_params(self.route.dependant)  # type: ignore[attr-defined]
        return [one for one in every if isinstance(one.field_info, Query)]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Standing:
    """A service that answers, and all its addresses."""

    app: FastAPI
    client: httpx.AsyncClient
    issuer: Issuer

    def addresses(self) -> Iterator[Address]:
        for route, allowed in permissions(self.app):
            assert route.path is not None
            path = "/".join(INCIDENT if "{" in step else step for step in route.path.split("/"))
            for method in sorted(route.methods or ()):
                yield Address(method, path, allowed, route)

    async def ask(self, address: Address, role: Role | None, **how: Any) -> httpx.Response:
        headers = {**(self.issuer.headers(role) if role else {}), **how.pop("headers", {})}
        return await self.client.request(address.method, address.path, headers=headers, **how)


@asynccontextmanager
async def standing(issuer: Issuer, service: Service[Any, Any, Any]) -> AsyncIterator[Standing]:
    async with running_nowhere(issuer, service) as running:
        app = create_app(running, service.router, service.title)
        async with calling(app) as client:
            yield Standing(app, client, issuer)
