"""An application whose bodies would be read laxly is not built."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Request
from fastapi import Body as Embedded
from pydantic import BaseModel

from shared.runtime.web.app import create_app
from shared.runtime.web.auth import public
from shared.runtime.web.bodies import Body, Listed
from shared.runtime.web.reading import StrictRoute
from tests.services import SERVICES
from tests.unit.runtime.callers import Issuer
from tests.unit.runtime.nowhere import running_nowhere


class Lax(BaseModel):
    number: int = 0


class Strict(Body):
    number: int = 0


class Within(Body):
    inner: Lax


class Deep(Body):
    inner: Listed["Within"] | None = None


class Itself(Body):
    inner: "Itself | None" = None


async def takes_lax(body: Lax) -> None: ...
async def takes_any(body: dict[str, Any]) -> None: ...
async def takes_list(body: list[Strict]) -> None: ...
async def takes_either(body: Strict | Lax) -> None: ...
async def takes_two(body: Strict, other: Strict) -> None: ...
async def takes_part(number: Annotated[int, Embedded(embed=True)]) -> None: ...
async def takes_within(body: Within) -> None: ...
async def takes_deep(body: Deep) -> None: ...


async def takes_strict(body: Strict) -> None: ...
async def may_take_strict(body: Strict | None = None) -> None: ...
async def takes_itself(body: Itself) -> None: ...
async def takes_by_hand(request: Request) -> None: ...
async def takes_nothing() -> None: ...


LAX = [
    takes_lax,
    takes_any,
    takes_list,
    takes_either,
    takes_two,
    takes_part,
    takes_within,
    takes_deep,
]
READ = [takes_strict, may_take_strict, takes_itself, takes_by_hand, takes_nothing]

Endpoint = Callable[..., Any]


async def built(tmp_path: Path, endpoint: Endpoint, method: str, **how: Any) -> Any:
    inner, router = APIRouter(**how), APIRouter()
    inner.api_route("/odd", methods=[method], dependencies=[public()])(endpoint)
    router.include_router(inner)
    async with running_nowhere(Issuer(tmp_path / "jwks.json")) as running:
        return create_app(running, router, "Odd")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("endpoint", LAX)
async def test_a_lax_model_stops_it(tmp_path: Path, endpoint: Endpoint, method: str) -> None:
    with pytest.raises(ValueError, match=r"/odd takes a body: derive \w+ from Body"):
        await built(tmp_path, endpoint, method, route_class=StrictRoute)


@pytest.mark.parametrize("endpoint", [*LAX, *READ[:3]])
async def test_a_lax_router_stops_it(tmp_path: Path, endpoint: Endpoint) -> None:
    with pytest.raises(ValueError, match="/odd takes a body: give its router"):
        await built(tmp_path, endpoint, "POST")


@pytest.mark.parametrize("endpoint", READ)
async def test_strict_bodies_and_those_read_by_hand_do_not(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    assert await built(tmp_path, endpoint, "POST", route_class=StrictRoute) is not None


async def test_our_own_are_built(tmp_path: Path) -> None:
    for service in SERVICES:
        async with running_nowhere(Issuer(tmp_path / "jwks.json"), service) as running:
            create_app(running, service.router, service.title)
