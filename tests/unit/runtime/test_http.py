"""What HTTP does before and around a route: who may come in, how much they may bring, what every
answer carries.

Here neither database nor broker is running: what needs them says so. tests/integration/runtime has
both."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import structlog.testing
from fastapi import APIRouter, FastAPI
from jsonschema import Draft202012Validator

from shared.contract.authority import Role
from shared.runtime.web.app import create_app
from shared.runtime.web.auth import READERS, permissions, public
from shared.runtime.web.edge.limits import BODY, Limits, takes
from shared.runtime.web.headers import PAGE_POLICY
from shared.runtime.web.reading import StrictRoute
from tests.unit.runtime import seats
from tests.unit.runtime.callers import PEOPLE, Issuer
from tests.unit.runtime.nowhere import calling, running_nowhere

INCIDENT = "01960000-0000-7000-8000-000000000001"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACED = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path / "jwks.json")


@pytest_asyncio.fixture
async def app(issuer: Issuer) -> AsyncIterator[FastAPI]:
    async with running_nowhere(issuer) as running:
        yield create_app(running, seats.router, "Seats")


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(app) as client:
        yield client


def encoded(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    """As bytes on the wire, which need not be ASCII."""
    return {name.encode(): value.encode() for name, value in headers.items()}


def kind(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    found: str = answer.json()["type"].rpartition("/")[2]
    return found


# Who may come in


async def test_every_route_with_every_role(
    app: FastAPI, client: httpx.AsyncClient, issuer: Issuer
) -> None:
    """401 without a token, 403 with every role that is not named, and neither for one that is."""
    walked = 0
    for route, allowed in permissions(app):
        path = (route.path_format or "").format(incident_id=INCIDENT)
        for method in route.methods or ():
            for role in (None, *Role):
                headers = issuer.headers(role) if role else {}
                with structlog.testing.capture_logs():
                    answer = await client.request(method, path, headers=headers)
                if allowed is None or role in allowed:
                    assert answer.status_code not in {401, 403}, (method, path, role)
                else:
                    assert answer.status_code == (403 if role else 401), (method, path, role)
                walked += 1
    assert walked == 13 * (1 + len(Role))


async def test_a_refusal_says_who_may(client: httpx.AsyncClient, issuer: Issuer) -> None:
    answer = await client.post("/incidents", json={}, headers=issuer.headers(Role.ADMIN))
    assert kind(answer) == "forbidden"
    assert answer.json()["who_can_supply"] == ["lead"]


async def test_the_desk_knows_the_caller(client: httpx.AsyncClient, issuer: Issuer) -> None:
    answer = await client.get("/me", headers=issuer.headers(Role.IT, Role.LEGAL, subject="u-7"))
    assert answer.json() == {"subject": PEOPLE.pseudonym_of("u-7"), "roles": ["it", "legal"]}


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic dTpw", "Bearer x y", "bearer\tx", "Bearer ünicode"]
)
async def test_what_is_no_token(client: httpx.AsyncClient, header: str) -> None:
    answer = await client.get("/me", headers=encoded({"Authorization": header}))
    assert answer.status_code == 401
    assert kind(answer) == "unauthenticated"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_without_its_key_set_a_service_says_that_it_cannot_tell(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    issuer.file.unlink()
    answer = await client.get("/me", headers=issuer.headers(Role.LEAD))
    assert answer.status_code == 503
    assert kind(answer) == "unavailable"


async def test_a_service_with_an_undecided_route_does_not_start(issuer: Issuer) -> None:
    router = APIRouter()
    router.get("/undecided")(seats.page)
    async with running_nowhere(issuer) as running:
        with pytest.raises(ValueError, match="/undecided"):
            create_app(running, router, "Careless")


async def test_the_timeline_is_for_readers(app: FastAPI) -> None:
    allowed = {route.path: roles for route, roles in permissions(app)}
    assert allowed["/incidents/{incident_id}/events"] == frozenset(READERS)
    assert allowed["/healthz"] is None


# What must be well formed


@pytest.mark.parametrize(
    "tag", ["7", '"', '""', '"x"', '"7', "'7'", '"-1"', '"7", "8"', '"1' + "0" * 18 + '"', "W/7"]
)
async def test_an_if_match_that_is_no_version(
    client: httpx.AsyncClient, issuer: Issuer, tag: str
) -> None:
    answer = await client.get("/me", headers=issuer.headers() | {"If-Match": tag})
    assert answer.status_code == 400
    assert "If-Match" in answer.json()["detail"]


@pytest.mark.parametrize("tag", ['"7"', "*"])
async def test_an_if_match_that_is_one(client: httpx.AsyncClient, issuer: Issuer, tag: str) -> None:
    assert (
        await client.get("/me", headers=issuer.headers() | {"If-Match": tag})
    ).status_code == 200


async def test_a_weak_etag_matches_nothing_and_says_what_would(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    answer = await client.get("/me", headers=issuer.headers() | {"If-Match": 'W/"7"'})
    assert answer.status_code == 412
    assert 'If-Match: "7"' in answer.json()["detail"]


@pytest.mark.parametrize("key", ["", " ", "two words", "x" * 256, "schlüssel", "tab\tbed"])
async def test_an_idempotency_key_that_is_none(
    client: httpx.AsyncClient, issuer: Issuer, key: str
) -> None:
    answer = await client.get("/me", headers=encoded(issuer.headers() | {"Idempotency-Key": key}))
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=" + "x" * 1001])
async def test_a_page_that_cannot_be(client: httpx.AsyncClient, issuer: Issuer, query: str) -> None:
    answer = await client.get(
        f"/incidents/{INCIDENT}/events?{query}", headers=issuer.headers(Role.LEAD)
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "query." + query.partition("=")[0]


# How much may be brought


def of_size(size: int) -> bytes:
    return b'{"x":"' + b"x" * (size - 8) + b'"}'


JSON = {"content-type": "application/json"}


async def test_a_body_up_to_the_limit(client: httpx.AsyncClient) -> None:
    assert (await client.post("/echo", content=of_size(BODY), headers=JSON)).status_code == 200
    answer = await client.post("/echo", content=of_size(BODY + 1), headers=JSON)
    assert answer.status_code == 413
    assert kind(answer) == "too-large"
    assert answer.headers["connection"] == "close"


async def test_a_body_that_is_streamed_is_counted_as_it_comes(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    answer = await client.post("/echo", content=endless(), headers=JSON)
    assert answer.status_code == 413
    assert kind(answer) == "too-large"
    assert sent <= BODY + 2 * 65_536


async def test_a_claim_of_too_much_is_refused_before_a_byte_is_read(
    client: httpx.AsyncClient,
) -> None:
    asked = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal asked
        asked = True
        yield b"{}"

    answer = await client.post(
        "/echo", content=body(), headers=JSON | {"Content-Length": str(10**12)}
    )
    assert answer.status_code == 413
    assert not asked


@pytest.mark.parametrize("claim", ["5", "-1", "x", "²", "1e9", ""])
async def test_a_claim_that_lies_changes_nothing(client: httpx.AsyncClient, claim: str) -> None:
    headers = encoded(JSON | {"Content-Length": claim})
    assert (
        await client.post("/echo", content=of_size(BODY + 1), headers=headers)
    ).status_code == 413
    assert (await client.post("/echo", content=of_size(100), headers=headers)).status_code == 200


@pytest.mark.parametrize("most", [10, 2 * BODY])
async def test_a_route_may_have_a_limit_of_its_own(issuer: Issuer, most: int) -> None:
    router = APIRouter(route_class=StrictRoute)
    router.post("/sized", dependencies=[public(), takes(most)])(seats.echo)
    async with running_nowhere(issuer) as running:
        app = create_app(running, router, "Sized")
        async with calling(app) as client:
            answers = [
                await client.post("/sized", content=of_size(size), headers=JSON)
                for size in (most, most + 1)
            ]
    assert [answer.status_code for answer in answers] == [200, 413]


async def test_a_body_that_comes_too_slowly(app: FastAPI) -> None:
    async def drip() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with calling(Limits(app, within=0.05)) as client:
        answer = await client.post("/echo", content=drip(), headers=JSON)
    assert answer.status_code == 408
    assert kind(answer) == "too-slow"
    assert answer.headers["connection"] == "close"


async def test_what_is_no_request_passes(app: FastAPI) -> None:
    passed = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["type"])

    await Limits(inner)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert passed == ["lifespan"]


# What every answer carries


@pytest.mark.parametrize("path", ["/healthz", "/page", "/me", "/nowhere", "/bug", "/openapi.json"])
async def test_every_answer_is_guarded(client: httpx.AsyncClient, path: str) -> None:
    with structlog.testing.capture_logs():
        answer = await client.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/healthz", "/page", "/me", "/nowhere", "/bug"])
async def test_every_answer_names_its_trace(client: httpx.AsyncClient, path: str) -> None:
    with structlog.testing.capture_logs():
        assert (await client.get(path, headers=TRACED)).headers["x-request-id"] == TRACE
        assert (await client.get(path)).headers["x-request-id"] not in {TRACE, "0" * 32}


async def test_a_refusal_before_any_route_names_its_trace(app: FastAPI) -> None:
    (limits,) = [layer for layer in app.user_middleware if layer.cls is Limits]
    limits.kwargs["reads"] = 0
    async with calling(app) as client:
        answers = [
            await client.get("/page", headers=TRACED),
            await client.post("/echo", content=of_size(BODY + 1), headers=JSON | TRACED),
        ]
    assert [answer.status_code for answer in answers] == [503, 413]
    assert [answer.headers["x-request-id"] for answer in answers] == [TRACE, TRACE]


async def test_a_page_runs_no_script_unless_it_says_otherwise(client: httpx.AsyncClient) -> None:
    assert (await client.get("/page")).headers["content-security-policy"] == PAGE_POLICY
    assert "script-src" not in PAGE_POLICY
    assert PAGE_POLICY.startswith("default-src 'none'")
    assert "content-security-policy" not in (await client.get("/healthz")).headers


async def test_a_bug_shows_nothing_of_itself(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as logged:
        answer = await client.get("/bug")
    assert answer.status_code == 500
    assert kind(answer) == "bug"
    assert "hunter2" not in answer.text
    assert [entry["event"] for entry in logged] == ["a bug"]
    assert answer.json()["trace_id"] == answer.headers["x-request-id"]


# Health


async def test_a_process_is_alive_though_all_else_is_away(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_and_it_says_that_it_is_not_ready(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert all(check != "ok" for check in answer.json()["checks"].values())


async def test_a_command_without_a_database_may_be_sent_again(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    body = {"seat": "legal", "holder": "u-2"}
    answer = await client.post("/incidents", json=body, headers=issuer.headers(Role.LEAD))
    assert answer.status_code == 503
    assert kind(answer) == "unavailable"
    assert answer.headers["retry-after"] == "2"
    assert "127.0.0.1" not in answer.text


# What is documented


@pytest_asyncio.fixture
async def openapi(client: httpx.AsyncClient) -> dict[str, Any]:
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


def operations(openapi: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method} {path}": operation
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    }


def test_every_schema_is_one_and_every_reference_leads_somewhere(openapi: dict[str, Any]) -> None:
    schemas = openapi["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(openapi)))
    assert referred <= set(schemas)


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(
    openapi: dict[str, Any],
) -> None:
    names = [operation["operationId"] for operation in operations(openapi).values()]
    assert sorted(names) == sorted(set(names))
    assert "fill_seat" in names
    assert all(operation["summary"] for operation in operations(openapi).values())


def test_problems_are_documented_as_they_are_sent(openapi: dict[str, Any]) -> None:
    described = operations(openapi)["post /incidents/{incident_id}/seats"]["responses"]
    assert set(described) == {"201", "400", "401", "403", "404", "409", "412", "413", "422", "503"}
    assert described["409"]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    assert "HTTPValidationError" not in json.dumps(openapi)


def test_problems_that_cannot_come_are_not_documented(openapi: dict[str, Any]) -> None:
    described = operations(openapi)
    assert set(described["get /page"]["responses"]) == {"200", "503"}
    assert set(described["get /incidents/{incident_id}/seats"]["responses"]) == {
        *("200", "400", "401", "403", "404", "422", "503"),
    }


def test_who_needs_a_token_is_documented(openapi: dict[str, Any]) -> None:
    described = operations(openapi)
    assert openapi["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    assert described["post /incidents"]["security"] == [{"HTTPBearer": []}]
    assert "security" not in described["get /healthz"]


def test_guards_of_commands_are_documented_with_commands(openapi: dict[str, Any]) -> None:
    named = {
        operation: {parameter["name"] for parameter in described.get("parameters", ())}
        for operation, described in operations(openapi).items()
    }
    assert named["post /incidents"] == {"If-Match", "Idempotency-Key"}
    assert named["get /me"] == set()


def test_answers_have_examples(openapi: dict[str, Any]) -> None:
    schemas = openapi["components"]["schemas"]
    for name in ("Accepted", "Receipt", "TimelineItem", "Problem"):
        Draft202012Validator({"$ref": f"#/components/schemas/{name}", **openapi}).validate(
            schemas[name]["example"]
        )
