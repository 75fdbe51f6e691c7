"""POST /events: the public CloudEvents SDK and plain HTTP post to intake as they are."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from cloudevents.core.bindings import http as sdk_http
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.conversion import to_binary, to_structured
from cloudevents.v1.http import CloudEvent as V1CloudEvent

from shared.contract.authority import Role
from tests.integration.intake.conftest import Intake

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
DATA: dict[str, Any] = {
    "discovery": "dlp",
    "description": "Übergabe: 3 files",
    "exposure": {"platform": "github"},
}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "17",
    "source": "//dlp.example/scanner",
    "type": "com.example.dlp.finding",
    "data": DATA,
}


@pytest.fixture(autouse=True)
async def registered(intake: Intake) -> None:
    for subject in ("dlp", "relay"):
        await intake.register(subject, "//dlp.example/*")


async def post(
    intake: Intake, headers: dict[str, str], body: bytes, name: str = "dlp"
) -> httpx.Response:
    return await intake.http.post(
        "/events", content=body, headers={**intake.token(Role.SOURCE, name), **headers}
    )


async def structured(intake: Intake, name: str = "dlp", **change: Any) -> httpx.Response:
    return await post(
        intake, {"Content-Type": STRUCTURED}, json.dumps({**EVENT, **change}).encode(), name
    )


async def batched(intake: Intake, *events: Any) -> list[dict[str, Any]]:
    answer = await post(intake, {"Content-Type": BATCHED}, json.dumps(events).encode())
    assert answer.status_code == 200, answer.text
    answers: list[dict[str, Any]] = answer.json()
    return answers


async def check(intake: Intake, answer: httpx.Response, event_id: str) -> None:
    assert answer.status_code == 201, answer.text
    report = (await intake.get(answer.json()["links"]["report"])).json()
    assert report["data"]["foreign"] == {
        "source": EVENT["source"],
        "id": event_id,
        "type": EVENT["type"],
    }
    assert report["data"]["description"] == DATA["description"]
    assert report["data"]["channel"] == "cloudevents"


class TestTheSdk:
    @pytest.mark.parametrize("write", [sdk_http.to_binary_event, sdk_http.to_structured_event])
    @pytest.mark.parametrize(
        "more", [{}, {"datacontenttype": "application/json", "subject": "file 7", "extra": "ü"}]
    )
    async def test_version_2(self, intake: Intake, write: Any, more: dict[str, str]) -> None:
        message = write(
            CloudEvent(
                {"source": EVENT["source"], "type": EVENT["type"], "id": "17 €", **more}, dict(DATA)
            )
        )
        await check(intake, await post(intake, message.headers, message.body), "17 €")

    @pytest.mark.parametrize("write", [to_binary, to_structured])
    async def test_version_1(self, intake: Intake, write: Any) -> None:
        headers, body = write(
            V1CloudEvent({"source": EVENT["source"], "type": EVENT["type"], "id": "17"}, dict(DATA))
        )
        await check(intake, await post(intake, headers, body), "17")

    async def test_sends_the_same_event_in_any_mode_and_version_once(self, intake: Intake) -> None:
        event = CloudEvent(
            {"source": EVENT["source"], "type": EVENT["type"], "id": "17"}, dict(DATA)
        )
        old = V1CloudEvent(
            {"source": EVENT["source"], "type": EVENT["type"], "id": "17"}, dict(DATA)
        )
        messages = [sdk_http.to_binary_event(event), sdk_http.to_structured_event(event)]
        pairs = [(message.headers, message.body) for message in messages] + [
            to_binary(old),
            to_structured(old),
        ]
        answers = [await post(intake, dict(headers), body) for headers, body in pairs]
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        assert await intake.count() == 1


class TestTheSameAgain:
    async def test_is_one_report_whoever_hands_it_on(self, intake: Intake) -> None:
        answers = await asyncio.gather(
            *(structured(intake, name) for name in ("dlp", "relay") for _ in range(5))
        )
        assert len({answer.text for answer in answers}) == 1
        assert await intake.count() == 1

    async def test_of_another_source_is_another_report(self, intake: Intake) -> None:
        first, second = (
            await structured(intake),
            await structured(intake, source="//dlp.example/other"),
        )
        assert first.json()["incident_id"] != second.json()["incident_id"]

    @pytest.mark.parametrize("change", [{"data": {}}, {"type": "com.example.dlp.retraction"}])
    async def test_with_something_else_to_say_is_refused(
        self, intake: Intake, change: dict[str, Any]
    ) -> None:
        await structured(intake)
        answer = await structured(intake, **change)
        assert (answer.status_code, answer.json()["rule"]) == (409, "event_says_one_thing")
        assert await intake.count() == 1


class TestARefusal:
    async def test_of_another_version(self, intake: Intake) -> None:
        answer = await structured(intake, specversion="0.3")
        assert (answer.status_code, answer.headers["content-type"]) == (
            400,
            "application/problem+json",
        )
        assert "send 1.0" in answer.json()["detail"]

    @pytest.mark.parametrize(
        "change", [{"data": "hello"}, {"data": None}, {"id": ""}, {"source": 7}]
    )
    async def test_of_what_cannot_be_read(self, intake: Intake, change: dict[str, Any]) -> None:
        assert (await structured(intake, **change)).status_code == 400

    async def test_of_data_that_is_no_report_names_the_field(self, intake: Intake) -> None:
        answer = await structured(intake, data={"severity": "high"})
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == ["#/data/severity"]

    async def test_of_what_is_no_event_says_how_to_send_one(self, intake: Intake) -> None:
        answer = await post(intake, {"Content-Type": "application/json"}, b"{}")
        assert answer.status_code == 415
        assert STRUCTURED in answer.json()["detail"]

    async def test_without_a_token(self, intake: Intake) -> None:
        answer = await intake.http.post(
            "/events", content=json.dumps(EVENT), headers={"Content-Type": STRUCTURED}
        )
        assert answer.status_code == 401

    async def test_of_a_body_that_is_too_large(self, intake: Intake) -> None:
        answer = await post(intake, {"Content-Type": BATCHED}, b"[" + b" " * 4 * 1024 * 1024 + b"]")
        assert answer.status_code == 413


class TestABatch:
    async def test_answers_each_event_in_order(self, intake: Intake) -> None:
        answers = await batched(
            intake,
            EVENT,
            {**EVENT, "specversion": "0.3"},
            {**EVENT, "id": "18", "data": {"severity": "high"}},
            {**EVENT, "id": "19"},
            EVENT,
            7,
        )
        assert [(answer["index"], answer["status"]) for answer in answers] == [
            (0, 201),
            (1, 400),
            (2, 422),
            (3, 201),
            (4, 201),
            (5, 400),
        ]
        assert answers[0]["receipt"] == answers[4]["receipt"]
        assert await intake.count() == 2

    async def test_may_be_empty(self, intake: Intake) -> None:
        assert await batched(intake) == []

    async def test_is_an_array(self, intake: Intake) -> None:
        answer = await post(intake, {"Content-Type": BATCHED}, json.dumps(EVENT).encode())
        assert answer.status_code == 400
