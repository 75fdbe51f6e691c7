"""What is asked of each of the four services alike: who may call what, what its OpenAPI document
says, views that are caches."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.local.keys import JWT_AUDIENCE, JWT_ISSUER, Keys, write_secret
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, IncidentEvent
from shared.contract.catalogue.notify import Communicated, CommunicationDrafted
from shared.contract.catalogue.triage import Assessed, Contained
from shared.contract.decision import Actor, Context
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock
from shared.runtime.repair.view_rebuilding import rebuild_views
from shared.runtime.running import Running
from shared.runtime.service import Service
from shared.runtime.web.app import create_app
from shared.runtime.web.auth import permissions
from tests.integration.conftest import Environment
from tests.integration.documents import flaws
from tests.integration.intake.conftest import intake_of
from tests.integration.serving import (
    NOBODY,
    Others,
    Served,
    others,
    process,
    says_all,
    serving,
    until,
)
from tests.services import SERVICES, by_name
from tests.unit.contract.record import examples as one_of_each
from tests.unit.review.story import STORY, STORY_WITHOUT

JsonObject = dict[str, Any]


@pytest.fixture(params=SERVICES, ids=by_name)
def service(request: pytest.FixtureRequest, keys: Keys) -> Service[Any, Any, Any]:
    if not keys.channels.exists():
        write_secret(keys.channels, json.dumps({"press-desk": "json://127.0.0.1:9/"}))
    service: Service[Any, Any, Any] = request.param
    return service


@pytest.fixture
async def served(
    service: Service[Any, Any, Any], environment: Environment
) -> AsyncIterator[Served]:
    async with serving(environment, service, "writer") as served:
        yield served


# Who may call what


def routes(served: Served) -> Iterator[tuple[str, str, frozenset[Role] | None]]:
    """Every method of every route, with a path that leads to nobody, and who may call it."""
    about = served.running.service
    for route, allowed in permissions(create_app(served.running, about.router, about.title)):
        assert route.path is not None
        for method in sorted(route.methods or ()):
            path = "/".join(
                str(NOBODY) if step.startswith("{") else step for step in route.path.split("/")
            )
            yield method, path, allowed


async def test_every_route_lets_in_the_roles_that_it_names_and_nobody_else(served: Served) -> None:
    wrong, walked = [], 0
    for method, path, allowed in routes(served):
        for role in Role:
            answer = await served.http.request(method, path, headers=served.token(role), json={})
            let_in = answer.status_code not in {401, 403}
            if let_in is not (allowed is None or role in allowed) or answer.status_code == 500:
                wrong.append(f"{role} {method} {path}: {answer.status_code}")
            walked += 1
    assert wrong == []
    assert walked > 4 * len(Role)


async def test_whoever_is_let_in_by_no_role_is_told_which_ones_are(served: Served) -> None:
    for method, path, allowed in routes(served):
        if allowed is None or allowed == frozenset(Role):
            continue
        answer = await served.http.request(method, path, headers=served.token(None), json={})
        assert answer.status_code == 403, path
        if method == "HEAD":
            continue  # an answer without a body
        assert set(answer.json()["who_can_supply"]) == {role.value for role in allowed}, path


async def test_a_token_that_does_not_count_opens_no_route(served: Served) -> None:
    bad = {
        "none": {},
        "not a token": {"Authorization": "Bearer x"},
        "another scheme": {"Authorization": "Basic bGVhOmxlYQ=="},
        "expired": served.token(Role.LEAD, holds=timedelta(minutes=-5)),
        "signed by somebody else": {"Authorization": f"Bearer {_forged(Role.LEAD)}"},
        "signed by nobody": {"Authorization": f"Bearer {_unsigned(Role.LEAD)}"},
    }
    for method, path, allowed in routes(served):
        for name, headers in bad.items():
            answer = await served.http.request(method, path, headers=headers, json={})
            if allowed is None:
                assert answer.status_code not in {401, 403}, path
            else:
                assert answer.status_code == 401, f"{name}: {method} {path}"
                assert answer.headers["www-authenticate"] == "Bearer"


def _claims(role: Role) -> JsonObject:
    return {
        "iss": JWT_ISSUER,
        "aud": JWT_AUDIENCE,
        "sub": "mallory",
        "exp": 4_000_000_000,
        "roles": [role.value],
    }


def _forged(role: Role) -> str:
    return jwt.encode(
        _claims(role), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": "mallory"}
    )


def _unsigned(role: Role) -> str:
    return jwt.encode(_claims(role), "", algorithm="none")


# What the OpenAPI document says


async def document_of(served: Served) -> JsonObject:
    document: JsonObject = (await served.get("/openapi.json", role=None)).json()
    return document


def operations(document: JsonObject) -> Iterator[tuple[str, str, JsonObject]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def resolved(schema: JsonObject, document: JsonObject) -> JsonObject:
    """The schema itself; of a page that of its items."""
    while "$ref" in schema or "anyOf" in schema or "items" in schema.get("properties", {}):
        schema = schema.get("anyOf", [schema])[0]
        reference = schema.get("$ref") or schema["properties"]["items"]["items"]["$ref"]
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
    return schema


def examples(content: JsonObject, document: JsonObject) -> list[Any]:
    """Those of a body; where it has none of its own, those of its schema."""
    named = [example["value"] for example in content.get("examples", {}).values()]
    own = [*([content["example"]] if "example" in content else []), *named]
    schema = resolved(content.get("schema", {}), document)
    return own or [
        *([schema["example"]] if "example" in schema else []),
        *schema.get("examples", []),
    ]


async def test_every_route_is_described_with_true_examples(served: Served) -> None:
    assert flaws(await document_of(served)) == []


async def test_every_example_of_a_request_is_understood(served: Served) -> None:
    """Sent about an incident that nobody knows, by somebody who may: it is refused for that, and
    not for its form."""
    document = await document_of(served)
    allowed = {(method, path): roles for method, path, roles in routes(served)}
    if served.running.service.name is ServiceName.INTAKE:
        for role in Role:  # as the operator does for a source that sends CloudEvents
            await intake_of(served).register(f"a-{role}", "//dlp.example/*")
    for path, method, operation in operations(document):
        nowhere = "/".join(
            str(NOBODY) if step.startswith("{") else step for step in path.split("/")
        )
        headers = {
            one["name"]: one["example"]
            for one in operation.get("parameters", [])
            if "example" in one
        }
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            headers |= served.token(min(allowed[method.upper(), nowhere] or Role)) | {
                "Content-Type": media_type
            }
            for example in examples(content, document):
                body = example if isinstance(example, str) else json.dumps(example)
                answer = await served.http.request(method, nowhere, headers=headers, content=body)
                understood = answer.status_code == 404 if "{" in path else answer.is_success
                assert understood, f"{path} {media_type}: {answer.text}"


# Views are caches, replicas are alike

_TOLD: Final = [*STORY, *STORY_WITHOUT]
_BESIDE: Final = [
    spoken
    for kind, spoken in one_of_each().items()
    if issubclass(kind, IncidentEvent) and kind not in {type(data) for *_, data in _TOLD}
]
HISTORY: Final[Sequence[tuple[str, EventData]]] = [
    (by, data) for _, by, data in sorted([*_TOLD, *_BESIDE], key=lambda spoken: spoken[0])
]
"""At least one event of every type that there is of an incident."""


def others_than(service: Service[Any, Any, Any]) -> list[ServiceName]:
    return [name for name in ServiceName if name is not service.name]


def distinct(data: EventData, number: int) -> EventData:
    """The same with ids of its own, as ids are never used twice."""
    changed = {
        name: UUID(int=value.int + (number << 64))
        for name, value in data
        if isinstance(value, UUID)
    }
    if isinstance(data, Communicated | CommunicationDrafted):
        changed["facts"] = tuple(UUID(int=fact.int + (number << 64)) for fact in data.facts)
    if isinstance(data, Contained):
        changed["break_glass"] = tuple(
            UUID(int=glass.int + (number << 64)) for glass in data.break_glass
        )
    return data.model_copy(update=changed)


async def tell(
    incident: UUID, number: int, replica: Running[Any, Any, Any], around: Others
) -> None:
    """The history as an incident's own, through that replica what its service says itself, once it
    knows of the incident."""

    async def known() -> bool:
        return (await replica.ledger.load(incident)).version > 0

    for by, data in HISTORY:
        said = distinct(data, number)
        if data.SAID_BY is replica.service.name:
            if data.SAID_BY is not ServiceName.INTAKE:
                await until(known, "the report is heard")
            await replica.ledger.carry_out(
                incident, said, Context(replica.now(), Actor(by)), must_exist=False
            )
        else:
            await around.say(incident, said, by=by)


async def views_of(process: Running[Any, Any, Any]) -> dict[str, list[str]]:
    tables = process.service.rules.view_tables
    rows = {}
    for name in tables:
        query = f"SELECT t::text AS row FROM {name} t ORDER BY 1"  # noqa: S608
        rows[name] = await process.pool.fetch(query)
    return {name: [row["row"] for row in found] for name, found in rows.items()}


async def test_two_replicas_at_once_double_and_reorder_nothing_and_a_rebuild_comes_out_equal(
    service: Service[Any, Any, Any], environment: Environment
) -> None:
    incidents = [clock.new_id() for _ in range(6)]
    parts = ("writer", "relay", "consumer")
    async with (
        others(environment, *others_than(service)) as around,
        process(environment, says_all(service), *parts) as one,
        process(environment, says_all(service), *parts) as other,
    ):
        await asyncio.gather(
            *(
                tell(incident, number, (one, other)[number % 2], around)
                for number, incident in enumerate(incidents)
            )
        )
        heard = sum(data.SAID_BY is not service.name for _, data in HISTORY) * len(incidents)

        async def all_heard() -> bool:
            found = await one.pool.fetchval(
                "SELECT count(*) FROM ledger WHERE service <> $1", service.name.value
            )
            return bool(found >= heard)

        await until(all_heard, f"{service.name} hears all")
        assert await one.pool.fetch("SELECT reason, detail FROM parked") == []
        await _nothing_doubled_or_reordered(one, incidents, around)
        before = await views_of(one)
        assert all(before.values()), "the history shows in every view"
        await rebuild_views(one.pool, service.rules)
        assert await views_of(one) == before


async def _nothing_doubled_or_reordered(
    replica: Running[Any, Any, Any], incidents: Sequence[UUID], around: Others
) -> None:
    rows = await replica.pool.fetch("SELECT * FROM ledger ORDER BY position")
    assert len({row["hash"] for row in rows}) == len(rows)
    chains: dict[tuple[str, int], list[int]] = {}
    for row in rows:
        chains.setdefault((row["service"], row["partition"]), []).append(row["sequence"])
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in chains.values())
    for incident in incidents:
        versions = [row["version"] for row in rows if row["subject_id"] == incident]
        assert versions == list(range(1, len(versions) + 1))
    for name, speaker in around.processes.items():
        said = await speaker.pool.fetch(
            "SELECT partition, sequence, hash FROM ledger WHERE service = $1", name.value
        )
        here = {
            (row["partition"], row["sequence"], row["hash"])
            for row in rows
            if row["service"] == name
        }
        assert here == {(row["partition"], row["sequence"], row["hash"]) for row in said}


async def test_what_a_service_does_on_its_own_two_replicas_do_once(
    service: Service[Any, Any, Any], environment: Environment
) -> None:
    incidents = [clock.new_id() for _ in range(8)]
    assessed = next(data for _, data in HISTORY if isinstance(data, Assessed))
    async with (
        others(environment, *others_than(service)) as around,
        process(environment, says_all(service), "writer", "relay", "consumer") as one,
        process(environment, says_all(service), "writer", "relay", "consumer"),
    ):
        speaker = (
            around if service.name is not ServiceName.TRIAGE else Others({ServiceName.TRIAGE: one})
        )
        for incident in incidents:
            for _ in range(3):
                await speaker.say(incident, assessed)

        async def all_heard() -> bool:
            found = await one.pool.fetchval(
                "SELECT count(*) FROM ledger WHERE type = $1", assessed.TYPE
            )
            return bool(found == 3 * len(incidents))

        await until(all_heard, f"{service.name} hears every assessment")
        said = await one.pool.fetch(
            """SELECT subject_id, type, envelope FROM ledger
               WHERE service = $1 AND convert_from(envelope, 'UTF8')::jsonb ? 'causationid'""",
            service.name.value,
        )
    expected = {
        ServiceName.REVIEW: {"incident.review_opened.v1"},
        ServiceName.NOTIFY: {"incident.communication_required.v1"},
    }.get(service.name, set())
    assert {row["type"] for row in said} == expected
    what = [(row["subject_id"], json.dumps(json.loads(row["envelope"])["data"])) for row in said]
    assert len(set(what)) == len(what)
    assert {incident for incident, _ in what} == (set(incidents) if expected else set())
