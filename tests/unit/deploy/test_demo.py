"""The demo without a stack: the folder it plays in, what it takes from answers, what it shows."""

import asyncio
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.ledger.run.demo import playing, showing
from deploy.ledger.run.demo.cast import LEA, PEOPLE, RUTH
from deploy.ledger.run.demo.office import Office, Unexpected
from deploy.ledger.run.demo.playing import Told
from deploy.ledger.run.demo.stage import OURS, _make_room
from deploy.ledger.run.demo.stories import STORIES
from deploy.ledger.run.demo.telling import Finding
from deploy.local.described import prepare
from deploy.local.errors import StackError
from deploy.local.ports import Ports
from shared.contract.catalogue import MILESTONES
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock

INCIDENT = UUID("0190d3c0-0000-7000-8000-000000000001")
Answers = Callable[[httpx.Request], httpx.Response]


def office(answers: Answers) -> Office:
    """An office whose services answer so."""
    urls = {service: f"http://{service}" for service in ServiceName}
    client = httpx.AsyncClient(transport=httpx.MockTransport(answers))
    return Office(urls, {person.name: f"token of {person.name}" for person in PEOPLE}, client)


def events(*ids: UUID) -> httpx.Response:
    items = [{"event_id": str(one), "type": "incident.assessed.v1"} for one in ids]
    return httpx.Response(200, json={"items": items, "next": None})


def test_every_story_tells_an_incident_that_is_there_and_none_twice() -> None:
    there = json.loads((files("deploy.ledger.run.demo") / "incidents.json").read_text("utf-8"))
    told = [story.incident for story in STORIES]
    assert len(set(told)) == len(told)
    assert set(told) <= {one["id"] for one in there}
    for one in there:
        assert all(one[name] for name in ("organisation", "platform", "summary", "source"))


def test_a_refusal_is_taken_apart_and_the_caller_shown() -> None:
    seen: list[httpx.Request] = []

    def answers(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.method == "GET":
            return events(INCIDENT)
        return httpx.Response(409, json={"rule": "facts", "detail": "no", "missing": ["where"]})

    at_desk = office(answers)
    at_desk.last[INCIDENT] = INCIDENT
    refusal = asyncio.run(at_desk.refused(LEA, ServiceName.TRIAGE, INCIDENT, "/x/authorisation"))
    assert (refusal.rule, refusal.detail, refusal.missing) == ("facts", "no", ("where",))
    assert seen[-1].url.path == f"/incidents/{INCIDENT}/x/authorisation"
    assert seen[-1].headers["authorization"] == "Bearer token of lea"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"detail": "it broke"}),
        (403, {"detail": "not yours"}),
        (200, {"events": []}),
    ],
)
def test_an_answer_that_is_not_of_the_story_ends_it_in_one_clear_error(
    status: int, body: dict[str, Any]
) -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        return events(INCIDENT) if request.method == "GET" else httpx.Response(status, json=body)

    at_desk = office(answers)
    at_desk.last[INCIDENT] = INCIDENT
    with pytest.raises(Unexpected) as told:
        asyncio.run(at_desk.give(LEA, ServiceName.TRIAGE, INCIDENT, "/facts"))
    assert "/facts" in str(told.value)
    assert str(body.get("detail", "nothing new")) in str(told.value)
    assert isinstance(told.value, StackError), "one line and not a traceback"


def test_the_last_event_is_what_the_next_person_waits_for() -> None:
    made, first = clock.new_id(), {"fact_id": "f-1"}

    def answers(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return events(INCIDENT)
        said = [
            {"event_id": str(clock.new_id()), "data": first},
            {"event_id": str(made), "data": {}},
        ]
        return httpx.Response(201, json={"events": said})

    at_desk = office(answers)
    at_desk.last[INCIDENT] = INCIDENT
    assert asyncio.run(at_desk.give(LEA, ServiceName.TRIAGE, INCIDENT, "/facts")) == first
    assert at_desk.last[INCIDENT] == made


def test_all_pages_of_events_are_read() -> None:
    pages = {None: ("1", "second"), "second": ("2", "third"), "third": ("3", None)}

    def answers(request: httpx.Request) -> httpx.Response:
        item, after = pages[request.url.params.get("cursor")]
        return httpx.Response(200, json={"items": [{"event_id": item}], "next": after})

    found = asyncio.run(office(answers).events(RUTH, ServiceName.REVIEW, INCIDENT))
    assert [one["event_id"] for one in found] == ["1", "2", "3"]


def test_milestones_are_the_first_of_each_and_a_dash_for_none() -> None:
    said = [
        {"type": f"incident.{MILESTONES[0]}.v1", "time": "2026-03-02T09:00:01.5+00:00"},
        {"type": f"incident.{MILESTONES[0]}.v1", "time": "2026-03-02T10:00:00+00:00"},
        {"type": "incident.fact_established.v1", "time": "2026-03-02T09:30:00+00:00"},
    ]
    times = playing._milestones(said)
    assert list(times) == list(MILESTONES)
    assert times[MILESTONES[0]] == "09:00:01"
    assert {times[name] for name in MILESTONES[1:]} == {"–"}


def test_a_finding_says_by_whom_and_until_when() -> None:
    body = Finding("why", "tool_default", "yes", "no", ("do it", "ivan", 14)).body()
    (item,) = body["action_items"]
    assert (item["description"], item["owner"]) == ("do it", "ivan")
    days = (clock.now().date().fromisoformat(item["due"]) - clock.now().date()).days
    assert days in {13, 14}, "or midnight has passed meanwhile"


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "thesis.odt").write_text("years of work", encoding="utf-8")
    with pytest.raises(StackError, match="--folder"):
        _make_room(tmp_path, tmp_path / "stack")
    assert (tmp_path / "thesis.odt").exists()


@pytest.mark.parametrize("there", [(), ("reports",), tuple(OURS)])
def test_a_folder_of_an_earlier_demo_is_emptied(there: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    for name in there:
        (folder / name).mkdir(parents=True)
    _make_room(folder, folder / "stack")
    assert not folder.exists()


def test_a_stack_that_still_runs_is_not_pulled_away(tmp_path: Path) -> None:
    data = tmp_path / "stack"
    data.mkdir()
    prepare(data, Ports(30000)).save()
    with pytest.raises(StackError, match="ledger down --data"):
        _make_room(tmp_path, data)
    assert (data / "keys").is_dir()


def told(report: Path | None) -> list[Told]:
    times = dict.fromkeys(MILESTONES, "09:00:00")
    return [Told(STORIES[0], {"organisation": "x"}, INCIDENT, times, 17, report)]


def test_its_end_names_every_report_and_counts_the_messages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("1.json", "2.json", "a.new"):
        (tmp_path / name).touch()
    showing.show(told(tmp_path / "one.html"), tmp_path)
    shown = capsys.readouterr().out
    assert f"1 {tmp_path / 'one.html'}: {STORIES[0].shows}" in shown
    assert "17" in shown
    assert shown.count("09:00:00") == len(MILESTONES)
    assert "2 messages" in shown


def test_a_story_without_a_review_has_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    showing.show(told(None), tmp_path)
    assert "no report" in capsys.readouterr().out


def test_what_to_try_next_can_be_pasted_into_a_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "it's mine"
    showing.show_what_next(folder, folder / "stack", told(folder / "a.html"), keep=False)
    shown = capsys.readouterr().out
    assert "ledger verify '" in shown
    assert "ledger up --detach --data '" in shown
