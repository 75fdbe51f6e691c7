"""Every answer that is not success, as the caller gets it."""

import json
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
import structlog.testing
from aiokafka.errors import KafkaConnectionError
from fastapi import APIRouter, FastAPI, Query
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field

from shared.contract.authority import Role
from shared.contract.decision import Missing, Rejected
from shared.contract.envelope import MalformedEnvelope
from shared.runtime.say.conflicts import (
    Conflict,
    Forbidden,
    IdempotencyMismatch,
    Malformed,
    Stale,
    Unauthenticated,
)
from shared.runtime.web import problems

INCIDENT = UUID("01960000-0000-7000-8000-000000000001")


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a_b: int = Field(alias="a/b~c")


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=5)
    parts: list[Inner] = []


class Door:
    """An application with a door that fails as it is told to."""

    def __init__(self) -> None:
        self.error: Exception = AssertionError("nothing was to be raised")
        router = APIRouter()

        @router.get("/door")
        async def door() -> None:
            raise self.error

        @router.post("/body")
        async def body(body: Body, size: Annotated[int, Query(ge=1)] = 1) -> Body:
            return body

        self.app = FastAPI()
        problems.install(self.app)
        self.app.include_router(router)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://door")

    async def opens_to(self, error: Exception) -> httpx.Response:
        self.error = error
        return checked(await self.client.get("/door"))

    async def takes(self, body: Any, **query: Any) -> list[dict[str, str]]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        answer = checked(
            await self.client.post("/body", content=content, params=query, headers=headers)
        )
        assert answer.status_code == 422
        errors: list[dict[str, str]] = answer.json()["errors"]
        return errors


def checked(answer: httpx.Response) -> httpx.Response:
    """Every problem has the media type and the shape that the OpenAPI document promises."""
    assert answer.headers["content-type"] == "application/problem+json"
    Draft202012Validator(problems.Problem.model_json_schema()).validate(answer.json())
    assert answer.json()["status"] == answer.status_code
    assert answer.json()["type"].startswith("https://incident-ledger.example/problems/")
    return answer


@pytest_asyncio.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    async with door.client:
        yield door


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    with structlog.testing.capture_logs() as logged:
        yield logged


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (Malformed("cursor: no"), 400, "malformed"),
        (Unauthenticated("who?"), 401, "unauthenticated"),
        (Forbidden((Role.LEGAL,)), 403, "forbidden"),
        (Missing("incident 7"), 404, "missing"),
        (Rejected("facts", "waits for facts"), 409, "rejected"),
        (Conflict(INCIDENT, 3, 4), 409, "conflict"),
        (IdempotencyMismatch("u-1 key"), 409, "idempotency-mismatch"),
        (Stale(3, 4), 412, "stale"),
        (MalformedEnvelope("70000 bytes, at most 65535 fit"), 413, "too-large"),
        (OSError("refused"), 503, "unavailable"),
        (TimeoutError(), 503, "unavailable"),
        (ConnectionRefusedError(111, "refused"), 503, "unavailable"),
        (asyncpg.CannotConnectNowError("starting up"), 503, "unavailable"),
        (asyncpg.TooManyConnectionsError("53300"), 503, "unavailable"),
        (asyncpg.DiskFullError("53100"), 503, "unavailable"),
        (OSError(28, "No space left on device"), 503, "unavailable"),
        (asyncpg.InternalClientError("another operation (2) is in progress"), 503, "unavailable"),
        (asyncpg.DataError("invalid input for query argument $1"), 500, "bug"),
        (KafkaConnectionError(), 503, "unavailable"),
        (RuntimeError("boom"), 500, "bug"),
        (ValueError("boom"), 500, "bug"),
        (FileNotFoundError(2, "no such file", "/etc/templates/secret.html"), 500, "bug"),
        (asyncpg.UndefinedTableError("boom"), 500, "bug"),
        (asyncpg.CharacterNotInRepertoireError("0x00"), 400, "malformed"),
    ],
)
async def test_each_kind_of_answer_has_its_status(
    door: Door, error: Exception, status: int, kind: str
) -> None:
    answer = await door.opens_to(error)
    assert answer.status_code == status
    assert answer.json()["type"] == f"https://incident-ledger.example/problems/{kind}"


async def test_a_refusal_names_the_rule_what_is_missing_and_who_can_supply_it(door: Door) -> None:
    refusal = Rejected(
        "facts", "waits for where", missing=("where",), who=(Role.RESPONDER, Role.LEAD)
    )
    answer = (await door.opens_to(refusal)).json()
    assert answer["detail"] == "waits for where"
    assert answer["rule"] == "facts"
    assert answer["missing"] == ["where"]
    assert answer["who_can_supply"] == ["responder", "lead"]


async def test_who_may_instead_is_named(door: Door) -> None:
    answer = (await door.opens_to(Forbidden((Role.LEAD, Role.LEGAL)))).json()
    assert answer["who_can_supply"] == ["lead", "legal"]
    assert answer["detail"] == "this is for lead or legal"


async def test_headers_say_how_to_go_on(door: Door) -> None:
    assert (await door.opens_to(Unauthenticated("who?"))).headers["www-authenticate"] == "Bearer"
    assert (await door.opens_to(Conflict(INCIDENT, 3, 4))).headers["retry-after"] == "1"
    assert (await door.opens_to(OSError())).headers["retry-after"] == "2"


async def test_a_mismatch_does_not_show_how_keys_are_kept(door: Door) -> None:
    assert "u-1" not in (await door.opens_to(IdempotencyMismatch("u-1 key"))).text


@pytest.mark.parametrize(
    "error", [RuntimeError("dsn=postgresql://u:hunter2@db"), OSError("hunter2")]
)
async def test_what_went_wrong_inside_stays_inside(door: Door, error: Exception) -> None:
    assert "hunter2" not in (await door.opens_to(error)).text


async def test_a_bug_is_logged_and_raised_again(logged: list[MutableMapping[str, Any]]) -> None:
    door = Door()
    door.error = RuntimeError("boom")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(door.app), base_url="http://door"
    ) as client:
        with pytest.raises(RuntimeError, match="boom"):
            await client.get("/door")
    assert logged == [{"event": "a bug", "log_level": "error", "exc_info": door.error}]


async def test_an_address_that_is_none(door: Door) -> None:
    answer = checked(await door.client.get("/window"))
    assert answer.status_code == 404
    assert "/openapi.json" in answer.json()["detail"]


async def test_a_method_that_is_none(door: Door) -> None:
    answer = checked(await door.client.delete("/door"))
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"


async def test_each_field_that_is_wrong_is_named_by_its_pointer(door: Door) -> None:
    errors = await door.takes(
        {"name": "far too long", "parts": [{"a/b~c": 1}, {"a/b~c": "x"}]}, size=0
    )
    assert {error["pointer"] for error in errors} == {"#/name", "#/parts/1/a~1b~0c", "query.size"}
    assert "at most 5 characters" in next(
        error["detail"] for error in errors if error["pointer"] == "#/name"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"pointer": "#/name", "detail": "is required"}),
        (
            {"name": "x", "color": 1},
            {"pointer": "#/color", "detail": "is no field of this request; leave it out"},
        ),
        (b'{"name": }', {"pointer": "#", "detail": "not JSON: Expecting value at character 9"}),
        (b"", {"pointer": "#", "detail": "is required"}),
    ],
)
async def test_the_remedy_is_said(door: Door, body: Any, expected: dict[str, str]) -> None:
    assert await door.takes(body) == [expected]


@pytest.mark.parametrize("name", ["\ud800", "\x00", "/", "", "\u2028", "a" * 1000])
async def test_a_field_of_any_name_is_refused_without_breaking(door: Door, name: str) -> None:
    (error,) = await door.takes({"name": "x", name: 1})
    assert error["pointer"].startswith("#")


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"[" * 200_000, b'{"name": "\xed\xa0\x80"}', b'{"name": NaN}']
)
async def test_bytes_that_are_no_json_are_the_callers_mistake(door: Door, body: bytes) -> None:
    answer = await door.client.post(
        "/body", content=body, headers={"content-type": "application/json"}
    )
    assert checked(answer).status_code in {400, 422}
