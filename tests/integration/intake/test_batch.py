"""POST /reports/batch: every line has its own answer, in order."""

import asyncio
import json
from typing import Any

import httpx

from services.intake import bounds
from services.intake.batches import AT_ONCE, MOST, take_lines
from services.intake.reception import Reception
from services.intake.settings import secret_of
from services.intake.sources import Caller, Registration, Registry
from shared.contract.authority import Role
from shared.contract.decision import Actor
from tests.integration.intake.conftest import Intake

NDJSON = "application/x-ndjson"


async def post(
    intake: Intake, body: bytes, content_type: str = NDJSON, name: str = "a-source"
) -> httpx.Response:
    headers = {**intake.token(Role.SOURCE, name), "Content-Type": content_type}
    return await intake.http.post("/reports/batch", content=body, headers=headers)


async def taken(intake: Intake, *lines: Any) -> list[dict[str, Any]]:
    answer = await post(intake, b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    assert (answer.status_code, answer.headers["content-type"]) == (200, NDJSON)
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_bad_lines_do_not_spoil_the_others(intake: Intake) -> None:
    incident = (await intake.reported(exercise=True))["incident_id"]
    body = b"\n".join(
        [
            b'{"description": "one"}',
            b"{",
            b"",
            b'{"platfrom": "x"}',
            b'"a text"',
            b"\xff\xfe",
            b'{"noticed_at": "9000-01-01T00:00:00Z"}',
            json.dumps({"incident_id": incident}).encode(),
            b'{"incident_id": "01960000-0000-7000-8000-000000000001"}',
            json.dumps(
                {
                    "description": "x" + "\x01" * 7999,
                    "exposure": {"url": "x" + "\x01" * 1999, "platform": "x" + "\x01" * 199},
                }
            ).encode(),
            json.dumps({"incident_id": incident, "exercise": True}).encode(),
        ]
    )
    answers = [json.loads(line) for line in (await post(intake, body)).text.splitlines()]
    assert [(answer["line"], answer["status"]) for answer in answers] == [
        (1, 201),
        (2, 400),
        (4, 422),
        (5, 422),
        (6, 400),
        (7, 409),
        (8, 409),
        (9, 404),
        (10, 201),
        (11, 201),
    ]
    assert answers[2]["problem"]["errors"] == [
        {"pointer": "#/platfrom", "detail": "is no field of this request; leave it out"}
    ]
    assert [
        answer["problem"]["rule"] for answer in answers if "rule" in answer.get("problem", {})
    ] == [
        "noticed_before_now",
        "exercise_matches",
    ]
    assert await intake.count() == 4


async def test_every_receipt_leads_to_its_own_report(intake: Intake) -> None:
    answers = await taken(intake, *({"description": f"number {number}"} for number in range(300)))
    assert [answer["line"] for answer in answers] == list(range(1, 301))
    for number in (0, 150, 299):
        report = (await intake.get(answers[number]["receipt"]["links"]["report"])).json()
        assert report["data"]["description"] == f"number {number}"
        assert report["data"]["channel"] == "batch"


async def test_lines_share_commits(intake: Intake) -> None:
    answers = await taken(intake, *({} for _ in range(500)))
    assert all(answer["status"] == 201 for answer in answers)
    (transactions,) = await intake.rows("SELECT count(DISTINCT xmin::text) FROM ledger")
    assert transactions[0] < 250


async def test_of_two_lines_with_one_key_the_first_counts(intake: Intake) -> None:
    """Wherever their incidents would lie: lines run side by side, these do not."""
    lines = [
        {"description": text, "idempotency_key": f"k-{number}"}
        for number in range(40)
        for text in ("first", "second")
    ]
    answers = await taken(intake, *lines)
    assert [answer["status"] for answer in answers] == [201, 409] * 40


async def test_lines_with_the_same_key_are_one_report(intake: Intake) -> None:
    line = {"description": "Seen twice", "idempotency_key": "k-1", "reporter": {"name": "Robin"}}
    first, second, other = await taken(
        intake, line, line, {**line, "description": "Something else"}
    )
    assert first["receipt"] == second["receipt"]
    assert other["status"] == 409
    (again,) = await taken(intake, line)
    assert again["receipt"] == first["receipt"]
    assert (await intake.count(), await intake.count("reporter")) == (1, 1)


async def test_a_key_is_the_same_for_a_line_and_for_a_single_report(intake: Intake) -> None:
    (line,) = await taken(intake, {"description": "Seen", "idempotency_key": "k-1"})
    headers = {**intake.token(Role.SOURCE, "a-source"), "Idempotency-Key": "k-1"}
    single = await intake.http.post("/reports", json={"description": "Seen"}, headers=headers)
    assert single.json() == line["receipt"]


async def test_lines_may_all_add_to_one_incident(intake: Intake) -> None:
    incident = (await intake.reported())["incident_id"]
    answers = await taken(
        intake, *({"incident_id": incident, "description": str(number)} for number in range(200))
    )
    assert [answer["receipt"]["version"] for answer in answers] == list(range(2, 202))


async def test_the_same_batch_twice_at_once_is_taken_once(intake: Intake) -> None:
    lines = [
        {"description": str(number), "idempotency_key": f"k-{number}"} for number in range(100)
    ]
    first, second = await asyncio.gather(taken(intake, *lines), taken(intake, *reversed(lines)))
    assert [answer["receipt"] for answer in first] == [
        answer["receipt"] for answer in reversed(second)
    ]
    assert await intake.count() == 100


async def test_answers_come_while_later_lines_are_still_to_be_taken(intake: Intake) -> None:
    lines = b"{}\n" * (AT_ONCE + 500)

    async def nobody() -> list[Registration]:
        return []

    person = intake.running.people.person("monitor")
    caller = Caller(Actor(person.pseudonym))
    receiving = Reception(
        intake.running, caller, person, Registry(nobody), secret_of(intake.running)
    )
    answers = take_lines(receiving, lines, bounds.lines(lines, MOST))
    first = await anext(answers)
    assert json.loads(first[0])["line"] == 1
    assert await intake.count() <= AT_ONCE
    await answers.aclose()


async def test_ten_thousand_lines_are_taken_and_one_more_is_not(intake: Intake) -> None:
    line = json.dumps({"description": "x" * 500}).encode() + b"\n"
    answer = await post(intake, line * 10_001)
    assert answer.status_code == 413
    assert "10000" in answer.json()["detail"]
    assert await intake.count() == 0
    answer = await post(intake, line * 10_000)
    assert answer.status_code == 200
    assert answer.text.count('"status":201') == 10_000
    assert await intake.count() == 10_000


async def test_more_than_16_mib_are_refused(intake: Intake) -> None:
    answer = await post(intake, b" " * (16 * 1024 * 1024 + 1))
    assert answer.status_code == 413


async def test_another_content_type_is_refused_with_the_right_one(intake: Intake) -> None:
    answer = await post(intake, b"{}", content_type="application/json")
    assert answer.status_code == 415
    assert NDJSON in answer.json()["detail"]


async def test_an_empty_batch_has_no_answers(intake: Intake) -> None:
    answer = await post(intake, b"\n\n")
    assert (answer.status_code, answer.content) == (200, b"")
