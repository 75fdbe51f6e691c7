"""A story that is told in unmistakable words, by every route and in every header, leaves none of
them in what the four services log, measure and trace; nor does an anonymous report leave the trace
of its caller's browser."""

import itertools
import json
import secrets
from collections.abc import Iterator
from typing import Any, Final

import httpx
from fastapi.routing import iter_route_contexts

from deploy.ledger.run.demo.cast import CARLA, COLIN, LEA, NORA, RASHID, RUTH
from deploy.ledger.run.demo.telling import CHANNEL
from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.contract.authority import Role
from shared.contract.vocabulary import ServiceName
from shared.runtime.web.auth import allowed_roles
from tests.e2e.conftest import Collector
from tests.e2e.world import INTAKE, NOTIFY, REVIEW, TRIAGE, World, ledger, until
from tests.services import SERVICES

STEM: Final = "zyxleak"
"""In every word that is told; in nothing that a service would say by itself."""
SOURCE: Final = f"//{STEM}.example/scanner"
ADDRESS: Final = "203.0.113.77"
NAMED: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
ANONYMOUS: Final = "5c0a4e1b7f6d4c2ab1e09d8f7a6b5c4d"
HEADERS: Final = {
    "User-Agent": f"{STEM}-agent/1.0",
    "Referer": f"https://{STEM}.example/",
    "X-Forwarded-For": ADDRESS,
    "Forwarded": f"for={ADDRESS}",
    "Cookie": f"session={STEM}",
    "X-Odd": STEM,
}

_numbers = itertools.count()


def word() -> str:
    return f"{STEM} {next(_numbers)}"


def traced(trace: str) -> dict[str, str]:
    return {
        "traceparent": f"00-{trace}-00f067aa0ba902b7-01",
        "tracestate": f"vendor={trace}",
        "baggage": f"session={trace}",
    }


REPORT: Final = {
    "description": word(),
    "discovery": "employee",
    "exposure": {"platform": word(), "url": f"https://{STEM}.example/post"},
}


async def test_no_word_of_a_story_is_logged_measured_or_traced(
    world: World, collector: Collector
) -> None:
    keys, http = Keys.of(world.stack.data), world.office.http
    incident = str(await world.report())
    answers = [
        *await reports(world, http, keys),
        *await everything_else(world, http, keys, incident),
        *await refusals(world, http, keys),
    ]
    assert len(answers) > 200
    assert {201, 401, 404, 405, 409, 415, 422} <= {answer.status_code for answer in answers}
    assert not [answer.text for answer in answers if answer.status_code >= 500]
    await a_message_is_sent(world)
    await world.settled()
    await all_is_exported(world, http, keys, collector)

    logs = [path for path in (world.stack.data / "logs").iterdir() if path.is_file()]
    assert {f"{name}.log" for name in ServiceName} <= {path.name for path in logs}
    spans = [span.SerializeToString() for span in collector.traces]
    told = {
        **{path.name: path.read_bytes() for path in logs},
        "spans": b"".join(spans),
        "metrics": b"".join(metric.SerializeToString() for metric in collector.metrics),
    }
    for where, data in told.items():
        found = data.lower().find(STEM.encode())
        assert found < 0, (where, data[max(0, found - 300) : found + 100])
        assert ADDRESS.encode() not in data, where
        assert ANONYMOUS.encode() not in data, where
        assert bytes.fromhex(ANONYMOUS) not in data, where
    assert b"POST /reports" in told["spans"]
    assert bytes.fromhex(NAMED) in told["spans"], "a report by name goes on in its caller's trace"


async def reports(world: World, http: httpx.AsyncClient, keys: Keys) -> list[httpx.Response]:
    """By every way, by name and anonymously."""
    done = ledger("source", "add", STEM, SOURCE, "--data", str(world.stack.data))
    assert done.returncode == 0, done.stderr
    intake = world.office.urls[INTAKE]
    token = {"Authorization": f"Bearer {issue(keys, STEM, [Role.SOURCE])}"}
    answers = []
    for anonymous, trace in ((False, NAMED), (True, ANONYMOUS)):
        headers = {**token, **HEADERS, **traced(trace)}
        for path, how, content in ways(anonymous):
            body = json.dumps(content).encode() if isinstance(content, dict | list) else content
            answers.append(await http.post(f"{intake}{path}", content=body, headers=headers | how))
        links = next(answer.json()["links"] for answer in answers if answer.status_code == 201)
        status = f"{intake}{links['status']}"
        answers.append(await http.get(status, headers=HEADERS | traced(trace)))
    taken = sum(answer.text.count('"links"') for answer in answers)
    assert taken >= 2 * 6, [answer.text for answer in answers]
    return answers


def ways(anonymous: bool) -> Iterator[tuple[str, dict[str, str], Any]]:
    """Path, headers and body: each way, its repetition with another body, and a refusal of each."""
    body: dict[str, Any] = {**REPORT, "anonymous": anonymous}
    if not anonymous:
        body |= {"reporter": {"name": word(), "contact": f"{STEM}@example.org"}}
    key, other, odd = f"{STEM}-{anonymous}", {**body, "description": word()}, {STEM: STEM}
    event = {"specversion": "1.0", "source": SOURCE, "type": STEM}
    plain = {"Content-Type": "application/json", "Idempotency-Key": key}
    declared = {"Content-Type": "application/json; charset=utf-8"}
    yield from (("/reports", plain, one) for one in (body, other, odd))
    yield from (("/reports", declared, one) for one in (body, odd))
    lines = [{**one, "idempotency_key": f"{key}-1"} for one in (body, other)]
    text = b"\n".join(json.dumps(line).encode() for line in (*lines, odd, STEM))
    yield "/reports/batch", {"Content-Type": "application/x-ndjson"}, text
    events = [{**event, "id": f"{key}-{number}", "data": body} for number in range(2)]
    events += [{**event, "id": f"{key}-0", "data": other}, {**event, "id": STEM, "data": odd}]
    structured = {"Content-Type": "application/cloudevents+json"}
    yield from (("/events", structured, one) for one in (events[0], events[2], events[3]))
    yield "/events", {"Content-Type": "application/cloudevents-batch+json"}, events
    attributes = {f"ce-{name}": value for name, value in event.items()}
    binary = {**attributes, "ce-id": f"{key}-binary", "Content-Type": "application/json"}
    yield from (("/events", binary, one) for one in (body, other, odd))


async def everything_else(
    world: World, http: httpx.AsyncClient, keys: Keys, incident: str
) -> list[httpx.Response]:
    """The documented example of every command, with each text in it replaced, one by one and all
    together: some are taken, others are refused."""
    answers = []
    for service in SERVICES:
        url = world.office.urls[service.name]
        documents = (await http.get(f"{url}/openapi.json")).json()
        for route in iter_route_contexts(service.router.routes):
            body = example(documents, route.path or "") if "POST" in (route.methods or ()) else None
            if body is None:
                continue
            role = min(allowed_roles(route) or {Role.LEAD})
            token = {"Authorization": f"Bearer {issue(keys, f'a-{role}', [role])}"}
            steps = (route.path or "").split("/")
            path = "/".join(incident if step == "{incident_id}" else step for step in steps)
            path = "/".join(incident if "{" in step else step for step in path.split("/"))
            for sent in told(body):
                headers = {**token, **HEADERS, "Idempotency-Key": f"{STEM}-{secrets.token_hex(8)}"}
                answers.append(await http.post(f"{url}{path}", json=sent, headers=headers))
    return answers


def example(documents: dict[str, Any], path: str) -> dict[str, Any] | None:
    """The body that the documents show for a command; None for one that takes none."""
    operation = documents["paths"][path].get("post", {})
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    refs = [one["$ref"] for one in (schema, *schema.get("anyOf", [])) if "$ref" in one]
    if not refs:
        return None
    model = documents["components"]["schemas"][refs[0].rpartition("/")[2]]
    shown: dict[str, Any] | None = model.get("example") or next(iter(model.get("examples", [])), {})
    return shown


def told(body: Any) -> Iterator[Any]:
    """The body with a word in the place of each text, of all texts, and in a field too many."""
    places = list(texts(body))
    yield {**body, STEM: STEM}
    yield from (put(body, [place]) for place in places)
    yield put(body, places)


def texts(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, str):
        yield at
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from texts(inner, (*at, key))


def put(body: Any, places: list[tuple[Any, ...]]) -> Any:
    copy = json.loads(json.dumps(body))
    for *way, last in places:
        inner = copy
        for step in way:
            inner = inner[step]
        inner[last] = word()
    return copy


async def refusals(world: World, http: httpx.AsyncClient, keys: Keys) -> list[httpx.Response]:
    """What comes to no route, or not through its door."""
    answers = []
    for service, url in world.office.urls.items():
        token = {"Authorization": f"Bearer {issue(keys, STEM, [Role.LEAD])}"}
        for headers in (
            HEADERS,
            HEADERS | {"Authorization": f"Bearer {STEM}"},
            HEADERS | {"Authorization": f"Basic {STEM}"},
            HEADERS | token,
            HEADERS | token | {"If-Match": STEM, "Idempotency-Key": STEM * 100},
            HEADERS | token | {"Content-Encoding": STEM, "Content-Type": STEM},
        ):
            for method, path in (
                ("GET", f"/{STEM}"),
                ("GET", f"/incidents?{STEM}={STEM}"),
                ("GET", f"/incidents?cursor={STEM}"),
                ("GET", f"/incidents/{STEM}"),
                ("GET", f"/incidents/{STEM}/events"),
                ("DELETE", f"/incidents?{STEM}"),
                ("POST", f"/incidents/{STEM}/facts"),
                ("POST", "/reports" if service is INTAKE else f"/incidents/{STEM}/review"),
            ):
                body = STEM.encode() if method == "POST" else None
                answers.append(
                    await http.request(method, f"{url}{path}", headers=headers, content=body)
                )
    return answers


async def a_message_is_sent(world: World) -> None:
    """From an assessment to a message that goes out, with words wherever people write."""
    office, incident = world.office, await world.report()
    action = {"kind": "platform_report", "target": word()}
    takedown = (await office.give(RASHID, TRIAGE, incident, "/actions", action))["action_id"]
    facts = await world.establish(incident)
    await world.fill_seats(incident)
    exposure = {
        "platform": word(),
        "visibility": "public",
        "audience_tier": "D",
        "still_live": "yes",
    }
    assessment = {
        "determination": "confirmed",
        "information_types": ["proprietary"],
        "exposure": exposure,
    }
    outcome = {
        "outcome": "successful",
        "carried_out_at": "2026-03-02T09:00:00Z",
        "note": word(),
    }
    at = f"/actions/{takedown}"
    await office.give(RASHID, TRIAGE, incident, "/assessments", assessment)
    view = {"view": "cleared", "ground": word()}
    await office.give(NORA, TRIAGE, incident, f"{at}/legal-view", view)
    await office.give(LEA, TRIAGE, incident, f"{at}/authorisation")
    await office.give(RASHID, TRIAGE, incident, f"{at}/outcome", outcome)
    await office.until(RUTH, NOTIFY, incident, "incident.contained.v1")
    draft = {"title": word(), "text": word(), "facts": facts}
    duties = (await office.view(COLIN, NOTIFY, incident))["duties"]
    nowhere = {**draft, "audience": duties[0]["audience"], "channel": word()}
    refused = await office.refused(COLIN, NOTIFY, incident, "/communications", nowhere)
    assert STEM in refused.detail
    for duty in duties:
        body = {**draft, "audience": duty["audience"], "channel": CHANNEL}
        drafted = await office.give(COLIN, NOTIFY, incident, "/communications", body)
        message = f"/communications/{drafted['communication_id']}"
        await office.give(CARLA, NOTIFY, incident, f"{message}/approval")
        await office.give(COLIN, NOTIFY, incident, f"{message}/request")
    await office.until(RUTH, REVIEW, incident, "incident.communicated.v1")


async def all_is_exported(
    world: World, http: httpx.AsyncClient, keys: Keys, collector: Collector
) -> None:
    """Until a request that came after all others is, from each service, and metrics after it."""
    last = secrets.token_hex(16)
    token = {"Authorization": f"Bearer {issue(keys, 'rita', [Role.AUDITOR])}"}
    for url in world.office.urls.values():
        await http.get(f"{url}/incidents", headers=token | traced(last))

    async def arrived() -> bool:
        services = {
            item.value.string_value
            for request in collector.traces
            for resource in request.resource_spans
            for item in resource.resource.attributes
            if item.key == "service.name"
            and any(
                span.trace_id.hex() == last
                for scope in resource.scope_spans
                for span in scope.spans
            )
        }
        return len(services) == len(ServiceName)

    await until(arrived, "the last requests' spans")
    before = len(collector.metrics)

    async def measured() -> bool:
        return len(collector.metrics) >= before + 2 * len(ServiceName)

    await until(measured, "metrics of all services")
