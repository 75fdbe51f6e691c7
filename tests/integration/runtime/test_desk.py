"""A desk over a real ledger: preconditions, retries, answers, the timeline, and readiness when all
is well."""

import asyncio
import base64
import contextlib
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from deploy.local.ports import HOST
from shared.contract.authority import Role
from shared.contract.hashing import event_hash, signed_bytes
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.settings import ServiceSettings
from shared.runtime.running import Running
from shared.runtime.service import run, running
from shared.runtime.web.app import create_app
from tests.integration.conftest import Environment
from tests.integration.runtime.processes import until
from tests.integration.servers import free_port
from tests.unit.runtime import seats
from tests.unit.runtime.callers import AUDIENCE, ISSUER, Issuer
from tests.unit.runtime.collector import collecting

SOMEBODY_ELSES = "01960000-0000-7000-8000-00000000dead"


@dataclass(slots=True)
class Lead:
    """A caller, and the service that is called."""

    client: httpx.AsyncClient
    running: Running[seats.FillSeat, seats.State, Any]
    issuer: Issuer
    subject: str = "u-lead"
    name: str | None = None

    async def opens(self, **headers: str) -> httpx.Response:
        return await self._post("/incidents", {"seat": "lead", "holder": "u-1"}, headers)

    async def fills(
        self, incident: str, seat: str, holder: str = "u-2", **headers: str
    ) -> httpx.Response:
        return await self._post(
            f"/incidents/{incident}/seats", {"seat": seat, "holder": holder}, headers
        )

    async def reads(self, path: str, role: Role = Role.LEAD, **query: Any) -> httpx.Response:
        return await self.client.get(path, params=query, headers=self.issuer.headers(role))

    async def _post(
        self, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(
            path,
            json=body,
            headers=self.issuer.headers(Role.LEAD, subject=self.subject, name=self.name) | named,
        )


@pytest_asyncio.fixture
async def lead(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Lead]:
    issuer = Issuer(tmp_path / "jwks.json")
    own = {
        "LEDGER_JWKS": str(issuer.file),
        "LEDGER_JWT_ISSUER": ISSUER,
        "LEDGER_JWT_AUDIENCE": AUDIENCE,
    }
    for name, value in (environment.of(ServiceName.TRIAGE) | own).items():
        monkeypatch.setenv(name, value)
    async with running(seats.SERVICE, ServiceSettings()) as process:
        transport = httpx.ASGITransport(create_app(process, seats.router, "Seats"))
        writer = asyncio.create_task(process.ledger.run())
        async with httpx.AsyncClient(transport=transport, base_url="http://seats") as client:
            yield Lead(client, process, issuer)
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer


async def opened(lead: Lead) -> str:
    answer = await lead.opens()
    assert answer.status_code == 201, answer.text
    incident: str = answer.json()["incident_id"]
    return incident


async def test_an_answer_is_a_receipt_that_can_be_checked(lead: Lead) -> None:
    answer = await lead.opens()
    (receipt,) = answer.json()["events"]
    assert answer.headers["etag"] == '"1"'
    assert answer.json()["version"] == receipt["version"] == 1
    assert receipt["data"] == {"seat": "lead", "holder": lead.running.people.pseudonym_of("u-1")}
    (signed,) = await lead.running.ledger.timeline(UUID(answer.json()["incident_id"]), 0, 10)
    envelope = signed.recorded.event.envelope
    assert (
        receipt["hash"]
        == event_hash(envelope).hex()
        == hashlib.sha256(b"\x00" + envelope).hexdigest()
    )
    link = signed.recorded.event.link
    verifier = lead.running.trust.in_force(link.service, link.partition, link.sequence)
    assert verifier is not None
    # One event is a turn of one, signed by itself.
    assert verifier.verify(signed_bytes(envelope), base64.b64decode(receipt["signature"]))
    assert verifier.key_id.hex() == receipt["keyid"]


async def test_the_timeline_names_who_said_it(lead: Lead) -> None:
    incident = await opened(lead)
    (item,) = (await lead.reads(f"/incidents/{incident}/events")).json()["items"]
    assert item["actor"] == lead.running.people.pseudonym_of("u-lead")
    assert item["causation_id"] is None


async def test_who_says_something_enters_the_directory_with_its_event(lead: Lead) -> None:
    answer = await lead.reads(f"/incidents/{SOMEBODY_ELSES}/events")
    assert answer.status_code == 404
    assert (await lead.fills(SOMEBODY_ELSES, "legal")).status_code == 404
    assert await directory(lead) == {}, "who reads, or is refused, says nothing"
    lead.name = "Lea Example"
    incident = await opened(lead)
    speaker, holder = map(lead.running.people.pseudonym_of, ("u-lead", "u-1"))
    assert await directory(lead) == {speaker: ("u-lead", "Lea Example"), holder: ("u-1", None)}
    page = (await lead.reads(f"/incidents/{incident}/events")).json()
    assert page["people"] == {speaker: "Lea Example", holder: "u-1"}
    auditors = await lead.reads(f"/incidents/{incident}/events", Role.AUDITOR)
    assert auditors.json()["items"] == page["items"]
    assert "people" not in auditors.json()


async def test_a_seat_is_somebody_however_the_subject_is_spelt(lead: Lead) -> None:
    incident = await opened(lead)
    assert (await lead.fills(incident, "legal", "Ana@Corp")).json()["events"] != []
    for spelling in ("ana@corp", "ａｎａ＠ｃｏｒｐ", lead.running.people.pseudonym_of("ANA@corp")):
        answer = await lead.fills(incident, "legal", spelling)
        assert (answer.status_code, answer.json()["events"]) == (201, [])
    known = await directory(lead)
    assert known[lead.running.people.pseudonym_of("ana@corp")] == ("Ana@Corp", None)


async def test_a_key_is_kept_so_that_nobody_can_read_it(lead: Lead) -> None:
    assert (await lead.opens(Idempotency_Key="maria.muster-2026")).status_code == 201
    (row,) = await lead.running.pool.fetch("SELECT key, digest FROM idempotency")
    assert re.fullmatch("[0-9a-f]{64}", row["key"])
    assert "maria" not in row["key"]


async def directory(lead: Lead) -> dict[str, tuple[str, str | None]]:
    rows = await lead.running.pool.fetch("SELECT pseudonym, subject, name FROM person")
    return {row["pseudonym"]: (row["subject"], row["name"]) for row in rows}


async def test_nothing_new_to_say_is_an_answer(lead: Lead) -> None:
    incident = await opened(lead)
    answer = await lead.fills(incident, "lead", "u-1")
    assert (answer.status_code, answer.json()["events"], answer.headers["etag"]) == (201, [], '"1"')


async def test_a_rule_says_no(lead: Lead) -> None:
    incident = await opened(lead)
    answer = await lead.fills(incident, "lead", "u-9")
    assert answer.status_code == 409
    assert answer.json()["rule"] == "seat_taken"
    assert answer.json()["who_can_supply"] == ["lead"]


async def test_an_incident_that_nobody_knows(lead: Lead) -> None:
    for answer in (
        await lead.fills(SOMEBODY_ELSES, "legal"),
        await lead.reads(f"/incidents/{SOMEBODY_ELSES}/seats"),
        await lead.reads(f"/incidents/{SOMEBODY_ELSES}/events"),
    ):
        assert answer.status_code == 404
        assert SOMEBODY_ELSES in answer.json()["detail"]


async def test_if_match_holds_or_refuses(lead: Lead) -> None:
    incident = await opened(lead)
    tag = (await lead.reads(f"/incidents/{incident}/seats")).headers["etag"]
    moved = await lead.fills(incident, "legal", If_Match=tag)
    assert (moved.status_code, moved.headers["etag"]) == (201, '"2"')
    stale = await lead.fills(incident, "it", If_Match=tag)
    assert stale.status_code == 412
    assert "version 2" in stale.json()["detail"]
    assert (await lead.fills(incident, "it", If_Match="*")).status_code == 201


async def test_the_same_again_gets_the_same_answer(lead: Lead) -> None:
    first = await lead.opens(Idempotency_Key="open-1")
    again = await lead.opens(Idempotency_Key="open-1")
    assert again.json() == first.json()
    assert (again.status_code, again.headers["etag"]) == (first.status_code, first.headers["etag"])


async def test_the_same_again_at_once_happens_once(lead: Lead) -> None:
    answers = await asyncio.gather(*(lead.opens(Idempotency_Key="open-1") for _ in range(20)))
    assert len({answer.text for answer in answers}) == 1


async def test_a_retry_answers_though_the_incident_moved_on(lead: Lead) -> None:
    incident = await opened(lead)
    first = await lead.fills(incident, "legal", If_Match='"1"', Idempotency_Key="seat-1")
    await lead.fills(incident, "it")
    again = await lead.fills(incident, "legal", If_Match='"1"', Idempotency_Key="seat-1")
    assert again.json() == first.json()


async def test_the_same_key_with_another_request(lead: Lead) -> None:
    incident = await opened(lead)
    await lead.fills(incident, "legal", Idempotency_Key="seat-1")
    answer = await lead.fills(incident, "it", Idempotency_Key="seat-1")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/idempotency-mismatch")


async def test_a_key_is_its_callers_own(lead: Lead) -> None:
    first = await lead.opens(Idempotency_Key="open-1")
    lead.subject = "u-another"
    assert (await lead.opens(Idempotency_Key="open-1")).json()["incident_id"] != first.json()[
        "incident_id"
    ]


async def test_commands_at_once_are_decided_again_until_each_has_its_turn(lead: Lead) -> None:
    incident = await opened(lead)
    answers = await asyncio.gather(
        *(lead.fills(incident, seat) for seat in ("legal", "communications", "it"))
    )
    assert [answer.status_code for answer in answers] == [201] * 3
    assert sorted(answer.json()["version"] for answer in answers) == [2, 3, 4]


async def test_of_two_who_want_one_seat_one_is_refused(lead: Lead) -> None:
    incident = await opened(lead)
    answers = await asyncio.gather(
        *(lead.fills(incident, "legal", f"u-{number}") for number in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_a_timeline_comes_in_pages(lead: Lead) -> None:
    incident = await opened(lead)
    for seat in ("legal", "communications", "it"):
        await lead.fills(incident, seat)
    versions, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await lead.reads(f"/incidents/{incident}/events", Role.AUDITOR, **query)).json()
        versions += [item["version"] for item in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert (versions, pages) == ([1, 2, 3, 4], 2)


@pytest.mark.parametrize(
    "cursor", ["x", "WzFd", "WyIxIl0", "W10", "WzldWzld", "WzkyMjMzNzIwMzY4NTQ3NzU4MDhd"]
)
async def test_a_cursor_of_somebody_elses_making(lead: Lead, cursor: str) -> None:
    incident = await opened(lead)
    answer = await lead.reads(f"/incidents/{incident}/events", cursor=cursor)
    assert answer.status_code == (200 if cursor == "WzFd" else 400)


async def test_ready_when_database_and_broker_answer(lead: Lead) -> None:
    answer = await lead.client.get("/readyz")
    assert answer.status_code == 200, answer.text
    assert answer.json()["checks"] == {"database": "ok", "broker": "ok"}
    await lead.opens()
    # Nobody hears here: that nothing is to be heard would be a guess.
    lag = (await lead.client.get("/readyz")).json()["lag"]
    assert lag == {"to_hear": None, "to_relay": 1, "texts_to_hear": None}


async def test_who_drains_is_alive_and_not_ready(
    environment: Environment, lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("LEDGER_HEALTH_PORT", str(port))
    async with (
        httpx.AsyncClient(base_url=f"http://{HOST}:{port}") as client,
        running(seats.SERVICE, ServiceSettings(), frozenset()) as process,
    ):
        process.under_way = 1  # what the drain waits for
        task = asyncio.create_task(run(process))

        async def answers(status: int) -> bool:
            with contextlib.suppress(httpx.TransportError):
                return (await client.get("/readyz")).status_code == status
            return False

        await until(lambda: answers(200), "it is ready")
        process.stopping.set()
        await until(lambda: answers(503), "it is not ready any more")
        assert (await client.get("/readyz")).json()["checks"]["process"] == "draining"
        assert (await client.get("/healthz")).status_code == 200
        process.under_way = 0
        await asyncio.wait_for(task, 10)


STORY = """
import asyncio, os
import httpx
from shared.contract.authority import Role
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import telemetry
from shared.runtime.web.app import create_app
from shared.runtime.service import running
from shared.runtime.process.settings import ServiceSettings
from tests.unit.runtime import seats

async def story():
    async with running(seats.SERVICE, ServiceSettings()) as process:
        writer = asyncio.create_task(process.ledger.run())
        transport = httpx.ASGITransport(create_app(process, seats.router, "Seats"))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://seats", headers={"Authorization": TOKEN}
        ) as client:
            answer = await client.post("/incidents", json={"seat": "lead", "holder": "u-1"})
            incident = answer.json()["incident_id"]
            seat = {"seat": "legal", "holder": "u-2"}
            answer = await client.post(f"/incidents/{incident}/seats", json=seat)
            print(answer.headers["X-Request-Id"])
            timeline = (await client.get(f"/incidents/{incident}/events")).json()
            print(*(item["traceparent"] for item in timeline["items"]))
        writer.cancel()

telemetry.configure(ServiceName.TRIAGE)
asyncio.run(story())
telemetry.shutdown()
"""


async def test_a_command_is_one_story_from_request_to_event(
    environment: Environment, tmp_path: Path
) -> None:
    """The event carries the command's span; the command is part of its request and links to the
    event it decided on."""
    issuer = Issuer(tmp_path / "jwks.json")
    own = {
        "LEDGER_JWKS": str(issuer.file),
        "LEDGER_JWT_ISSUER": ISSUER,
        "LEDGER_JWT_AUDIENCE": AUDIENCE,
    }
    with collecting() as receiver:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", f"TOKEN = 'Bearer {issuer.token(Role.LEAD)}'\n{STORY}"],
            env={**os.environ, **environment.of(ServiceName.TRIAGE), **own}
            | {
                "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
                "PYTHONPATH": str(Path(__file__).parents[3]),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    request_id, opened, filled = done.stdout.split()
    request, command = (
        receiver.spans["POST /incidents/{incident_id}/seats"],
        receiver.spans["FillSeat"],
    )
    assert request.trace_id.hex() == request_id
    assert request.parent_span_id == b""
    assert command.parent_span_id == request.span_id
    assert filled.split("-")[1:3] == [command.trace_id.hex(), command.span_id.hex()]
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in command.links] == [
        tuple(opened.split("-")[1:3])
    ]
    queries = [span for span in receiver.spans.values() if span.kind == Span.SPAN_KIND_CLIENT]
    assert queries
    assert all(span.parent_span_id for span in queries)
    assert "u-2" not in str(queries)


async def test_ids_are_drawn_in_order(lead: Lead) -> None:
    first, second = await opened(lead), await opened(lead)
    assert first < second
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first
    )
