"""Routes with a short way: the same answers as by the declared way, and the same guard."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, Request, Response

from shared.contract.authority import Role
from shared.runtime.web.app import create_app
from shared.runtime.web.auth import Allow, allow
from shared.runtime.web.bodies import Body, Text
from shared.runtime.web.direct import DirectRoute
from shared.runtime.web.edge.limits import takes
from tests.unit.runtime.callers import PEOPLE, Issuer
from tests.unit.runtime.nowhere import calling, running_nowhere


class Note(Body):
    text: Text


class ShortWay(DirectRoute):
    """Takes what is plainly for it."""

    async def direct(self, request: Request, guard: Allow) -> Response | None:
        if b"plain" not in await request.body():
            return None
        actor = await guard.check(request)
        return Response(f"short way for {actor.subject}")


async def declared(body: Note) -> dict[str, str]:
    return {"declared": body.text}


@pytest_asyncio.fixture
async def client(issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    router = APIRouter()
    router.add_api_route(
        "/notes",
        declared,
        methods=["POST"],
        route_class_override=ShortWay,
        dependencies=[allow(Role.LEAD), takes(1000)],
    )
    async with (
        running_nowhere(issuer) as running,
        calling(create_app(running, router, "Notes")) as client,
    ):
        yield client


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path / "jwks.json")


async def test_what_is_plain_goes_the_short_way(client: httpx.AsyncClient, issuer: Issuer) -> None:
    answer = await client.post("/notes", json={"text": "plain"}, headers=issuer.headers(Role.LEAD))
    assert answer.status_code == 200
    assert answer.text == f"short way for {PEOPLE.pseudonym_of('u-1')}"


async def test_all_else_goes_the_declared_way_with_its_whole_body(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    headers = issuer.headers(Role.LEAD)
    answer = await client.post("/notes", json={"text": "other"}, headers=headers)
    assert answer.json() == {"declared": "other"}
    refused = await client.post("/notes", json={"text": " "}, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "#/text"


@pytest.mark.parametrize("text", ["plain", "other"])
async def test_both_ways_have_the_same_guard(
    client: httpx.AsyncClient, issuer: Issuer, text: str
) -> None:
    body = {"text": text}
    assert (await client.post("/notes", json=body)).status_code == 401
    wrong = await client.post("/notes", json=body, headers=issuer.headers(Role.LEGAL))
    assert wrong.status_code == 403


@pytest.mark.parametrize("text", ["plain", "other"])
async def test_both_ways_have_the_same_limit(
    client: httpx.AsyncClient, issuer: Issuer, text: str
) -> None:
    body = {"text": text * 300}
    answer = await client.post("/notes", json=body, headers=issuer.headers(Role.LEAD))
    assert answer.status_code == 413


async def test_another_method_and_another_address_are_not_its_own(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    headers = issuer.headers(Role.LEAD)
    assert (await client.put("/notes", content=b"plain", headers=headers)).status_code == 405
    assert (await client.post("/note", content=b"plain", headers=headers)).status_code == 404
