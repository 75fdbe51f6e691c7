"""What is not the caller's own answers as if it were not there: every way to report, for the owner,
for a stranger, and for an incident that nobody reported."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
import pytest

from shared.contract.authority import Role
from tests.integration.intake.conftest import Intake
from tests.integration.serving import NOBODY, until

SOURCE: Final = "//dlp.example/scanner"
OWNER, STRANGER = "dlp", "stranger"
EVENT: Final = {"specversion": "1.0", "type": "finding", "source": SOURCE}

Way = Callable[[Intake, str, str, dict[str, str]], Awaitable[httpx.Response]]


async def single(intake: Intake, by: str, incident: str, more: dict[str, str]) -> httpx.Response:
    headers = {**intake.token(Role.SOURCE, by), **more}
    return await intake.http.post("/reports", json={"incident_id": incident}, headers=headers)


async def declared(intake: Intake, by: str, incident: str, more: dict[str, str]) -> httpx.Response:
    """Not by the short way."""
    headers = {**intake.token(Role.SOURCE, by), "Content-Type": "application/json; charset=utf-8"}
    body = json.dumps({"incident_id": incident})
    return await intake.http.post("/reports", content=body, headers={**headers, **more})


async def line(intake: Intake, by: str, incident: str, more: dict[str, str]) -> httpx.Response:
    headers = {**intake.token(Role.SOURCE, by), "Content-Type": "application/x-ndjson", **more}
    body = json.dumps({"incident_id": incident})
    return await intake.http.post("/reports/batch", content=body, headers=headers)


def event(source: str, content_type: str) -> Way:
    async def send(intake: Intake, by: str, incident: str, more: dict[str, str]) -> httpx.Response:
        said: Any = {**EVENT, "source": source, "id": incident, "data": {"incident_id": incident}}
        headers = {**intake.token(Role.SOURCE, by), "Content-Type": content_type, **more}
        body = json.dumps([said] if "batch" in content_type else said)
        return await intake.http.post("/events", content=body, headers=headers)

    return send


WAYS: Final[dict[str, Way]] = {
    "single": single,
    "declared": declared,
    "line": line,
    "event": event("//stranger.example", "application/cloudevents+json"),
    "batch": event("//stranger.example", "application/cloudevents-batch+json"),
}


def told(answer: httpx.Response, incident: str) -> tuple[int, list[tuple[str, str]], str]:
    """All that an answer tells, without the id that was asked for and that of the request."""
    headers = [
        (name, value)
        for name, value in answer.headers.items()
        if name not in {"x-request-id", "traceparent", "content-length", "date"}
    ]
    return answer.status_code, headers, answer.text.replace(incident, "…")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("more", [{}, {"If-Match": '"1"'}, {"If-Match": '"7"'}], ids=str)
async def test_an_incident_of_another_answers_as_one_that_nobody_reported(
    intake: Intake, way: Way, more: dict[str, str]
) -> None:
    await intake.register(OWNER, SOURCE)
    await intake.register(STRANGER, "//stranger.example")
    theirs = {
        "open": await _opened(intake, OWNER),
        "exercise": await _opened(intake, OWNER, exercise=True),
        "anonymous": await _opened(intake, OWNER, anonymous=True),
        "event": await _opened_by_event(intake),
    }
    nowhere = str(NOBODY)
    unknown = told(await way(intake, STRANGER, nowhere, more), nowhere)
    assert "404" in str(unknown)
    before = await intake.count()
    for name, incident in theirs.items():
        assert told(await way(intake, STRANGER, incident, more), incident) == unknown, name
    assert await intake.count() == before


async def test_ones_own_incident_is_added_to_by_every_way(intake: Intake) -> None:
    await intake.register(OWNER, "//stranger.example")
    for name, way in WAYS.items():
        answer = await way(intake, OWNER, await _opened(intake, OWNER), {})
        assert '"version":2' in answer.text, name


class TestASource:
    async def test_that_is_anothers_is_refused_as_one_that_is_nobodys(self, intake: Intake) -> None:
        await intake.register(OWNER, SOURCE)
        taken = await _event(intake, OWNER, SOURCE)
        assert taken.status_code == 201
        refused = await _event(intake, STRANGER, SOURCE)
        nobodys = await _event(intake, STRANGER, "//nobody.example")
        assert refused.status_code == 403
        assert told(refused, SOURCE) == told(nobodys, "//nobody.example")
        assert "ledger source add" in refused.json()["detail"]

    async def test_is_not_taken_from_its_owner_by_who_sends_its_next_id_first(
        self, intake: Intake
    ) -> None:
        await intake.register(OWNER, SOURCE)
        assert (await _event(intake, STRANGER, SOURCE, "forged")).status_code == 403
        true = await _event(intake, OWNER, SOURCE, "true")
        assert true.status_code == 201
        report = (await intake.get(true.json()["links"]["report"])).json()
        assert (report["people"][report["actor"]], report["data"]["description"]) == (OWNER, "true")

    async def test_is_lost_when_its_registration_ends(self, intake: Intake) -> None:
        await intake.register(OWNER, SOURCE)
        assert (await _event(intake, OWNER, SOURCE)).status_code == 201
        await intake.end(OWNER, SOURCE)

        async def refused() -> bool:
            return (await _event(intake, OWNER, SOURCE)).status_code == 403

        await until(refused, "the registration has ended")

    @pytest.mark.parametrize(
        ("may", "data"),
        [({"opens": False}, {}), ({"exercises": False}, {"exercise": True})],
        ids=["opens", "exercises"],
    )
    async def test_does_what_it_is_registered_for(
        self, intake: Intake, may: dict[str, bool], data: dict[str, Any]
    ) -> None:
        await intake.register(OWNER, SOURCE, **may)
        body = json.dumps({**EVENT, "id": "1", "data": data})
        headers = {"Content-Type": "application/cloudevents+json"}
        answer = await intake.http.post(
            "/events", content=body, headers={**intake.token(Role.SOURCE, OWNER), **headers}
        )
        assert answer.status_code == 403
        assert await intake.count() == 0

    async def test_that_may_add_adds_to_incidents_of_others(self, intake: Intake) -> None:
        await intake.register(OWNER, SOURCE, adds=True)
        answer = await single(intake, OWNER, await _opened(intake, STRANGER), {})
        assert (answer.status_code, answer.json()["version"]) == (201, 2)


class TestAnAnonymousKey:
    async def test_holds_no_caller_and_is_forgotten_after_a_day(self, intake: Intake) -> None:
        key = {"Idempotency-Key": "k-1"}
        anonymous = await intake.report(anonymous=True, headers=key)
        named = await intake.report(headers=key)
        assert {anonymous.status_code, named.status_code} == {201}
        kept = [row["key"] for row in await intake.rows("SELECT * FROM idempotency")]
        assert sorted(key.startswith("anonymous ") for key in kept) == [False, True]
        await intake.forget(days=0)
        (row,) = await intake.rows("SELECT * FROM idempotency")
        assert not row["key"].startswith("anonymous ")
        assert (await intake.report(headers=key)).json() == named.json()

    async def test_is_kept_for_a_day(self, intake: Intake) -> None:
        key = {"Idempotency-Key": "k-1"}
        first = await intake.report(anonymous=True, headers=key)
        await intake.forget(days=1)
        assert (await intake.report(anonymous=True, headers=key)).json() == first.json()


async def _opened(intake: Intake, by: str, **body: Any) -> str:
    answer = await intake.http.post("/reports", json=body, headers=intake.token(Role.SOURCE, by))
    assert answer.status_code == 201
    incident: str = answer.json()["incident_id"]
    return incident


async def _opened_by_event(intake: Intake) -> str:
    answer = await _event(intake, OWNER, SOURCE)
    assert answer.status_code == 201
    incident: str = answer.json()["incident_id"]
    return incident


async def _event(intake: Intake, by: str, source: str, description: str = "Seen") -> httpx.Response:
    body = {**EVENT, "source": source, "id": "1", "data": {"description": description}}
    headers = {"Content-Type": "application/cloudevents+json"}
    return await intake.http.post(
        "/events",
        content=json.dumps(body),
        headers={**intake.token(Role.SOURCE, by), **headers},
    )
