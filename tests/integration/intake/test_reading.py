"""What intake shows, and to whom."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from pydantic import BaseModel

from services.intake.__main__ import SERVICE
from services.intake.bodies import IncidentView, PublicStatus, ReportBody, ReporterView, ReportReceipt, ReportView
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.triage import Assessed, Contained, IncidentDismissed
from shared.contract.decision import Actor, Context
from shared.contract.vocabulary import (
    ActionClass,
    ActionKind,
    Determination,
    DismissalReason,
    Outcome,
    Role,
    ServiceName,
    Severity,
)
from shared.runtime.auth import READERS
from shared.runtime.consumer import Consumer
from shared.runtime.rebuilding import rebuild_views
from shared.runtime.relay import Relay
from shared.runtime.rules import Rules
from shared.runtime.service import Running, Service, running
from tests.integration.conftest import Environment
from tests.integration.documents import flaws
from tests.integration.intake.conftest import Intake, settings

NOBODY = UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000)


async def found(intake: Intake, **filters: Any) -> list[str]:
    """The reports that a filter finds, newest first, read page by page."""
    items: list[str] = []
    cursor = None
    while True:
        query = urlencode({**filters, **({"cursor": cursor} if cursor else {})})
        answer = await intake.get(f"/reports?{query}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += [item["report_id"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            return items


class TestTheList:
    async def test_comes_in_pages_newest_first(self, intake: Intake) -> None:
        taken = [(await intake.reported())["event_id"] for _ in range(7)]
        assert await found(intake, limit=3) == taken[::-1]

    async def test_can_be_filtered(self, intake: Intake) -> None:
        plain = await intake.reported(exposure={"platform": "Mastodon"})
        drill = await intake.reported(exercise=True)
        nameless = await intake.reported(anonymous=True)
        added = await intake.reported(incident_id=plain["incident_id"])
        ids = {
            name: receipt["event_id"]
            for name, receipt in {"plain": plain, "drill": drill, "nameless": nameless, "added": added}.items()
        }
        for filters, expected in [
            ({"exercise": "true"}, ["drill"]),
            ({"anonymous": "true"}, ["nameless"]),
            ({"anonymous": "false", "exercise": "false"}, ["added", "plain"]),
            ({"platform": "mastodon"}, ["plain"]),
            ({"incident_id": plain["incident_id"]}, ["added", "plain"]),
            ({"channel": "api"}, ["added", "nameless", "drill", "plain"]),
            ({"channel": "batch"}, []),
            ({"since": nameless["time"]}, ["added", "nameless"]),
            ({"until": nameless["time"]}, ["drill", "plain"]),
            ({"since": drill["time"], "until": added["time"], "limit": 1}, ["nameless", "drill"]),
        ]:  # fmt: skip
            assert await found(intake, **filters) == [ids[name] for name in expected], filters

    @pytest.mark.parametrize(
        "query", ["cursor=x", "limit=0", "limit=201", "since=yesterday", "since=0001-01-01T00:00:00Z", "channel=fax"]
    )
    async def test_refuses_what_it_does_not_understand(self, intake: Intake, query: str) -> None:
        assert (await intake.get(f"/reports?{query}")).status_code in {400, 422}

    @pytest.mark.parametrize("role", Role)
    async def test_is_for_staff(self, intake: Intake, role: Role) -> None:
        assert (await intake.get("/reports", role=role)).status_code == (200 if role in READERS else 403)
        assert (await intake.get("/reports", role=None)).status_code == 401


class TestAReport:
    async def test_is_shown_as_it_was_said(self, intake: Intake) -> None:
        receipt = await intake.reported(description="Gone since noon", information_types=["pii"])
        report = (await intake.get(f"/reports/{receipt['event_id']}")).json()
        assert report["chain"] == receipt["chain"]
        assert report["hash"] == receipt["hash"]
        assert (report["actor"], report["anonymous"]) == ("a-source", False)
        assert report["data"]["description"] == "Gone since noon"

    async def test_that_is_unknown_is_missing(self, intake: Intake) -> None:
        assert (await intake.get(f"/reports/{NOBODY}")).status_code == 404


class TestTheIncident:
    async def test_shows_its_reports_and_what_comes_next(self, intake: Intake) -> None:
        first = await intake.reported(exercise=True)
        second = await intake.reported(exercise=True, incident_id=first["incident_id"])
        answer = await intake.get(f"/incidents/{first['incident_id']}", role=Role.RESPONDER)
        view = answer.json()
        assert (answer.headers["ETag"], view["version"]) == ('"2"', 2)
        assert (view["stage"], view["exercise"], view["report_count"]) == ("received", True, 2)
        assert [report["report_id"] for report in view["reports"]] == [second["event_id"], first["event_id"]]
        assert (view["gates"], view["next_commands"]) == ([], ["report"])
        auditors = (await intake.get(f"/incidents/{first['incident_id']}", role=Role.AUDITOR)).json()
        assert auditors["next_commands"] == []

    async def test_that_is_unknown_is_missing(self, intake: Intake) -> None:
        assert (await intake.get(f"/incidents/{NOBODY}")).status_code == 404


class TestThePublicStatus:
    async def test_tells_the_stage_and_nothing_else(self, intake: Intake) -> None:
        receipt = await intake.reported(description="A secret", exercise=True)
        answer = await intake.get(receipt["links"]["status"], role=None)
        assert answer.json() == {"report_id": receipt["event_id"], "stage": "received", "exercise": True}

    async def test_of_an_unknown_report_is_missing(self, intake: Intake) -> None:
        assert (await intake.get(f"/reports/{NOBODY}/status", role=None)).status_code == 404


async def test_every_route_is_documented_with_examples(intake: Intake) -> None:
    assert flaws((await intake.get("/openapi.json", role=None)).json()) == []


@pytest.mark.parametrize(
    "model",
    [ReportBody, ReportReceipt, PublicStatus, ReportView, IncidentView, ReporterView],
    ids=lambda model: model.__name__,
)
def test_every_example_is_true(model: type[BaseModel]) -> None:
    extra = model.model_json_schema()
    example = extra["example"] if "example" in extra else extra["examples"][0]
    assert model.model_validate(example)


ASSESSED = Assessed(
    revision=1,
    determination=Determination.CONFIRMED,
    information_types=(),
    exposure=Exposure(),
    severity=Severity.LOW,
    severity_rule="a row",
)
SAYS_ALL: Rules[EventData, None] = Rules(
    initial=None,
    decide=lambda data, _, __: [data],
    evolve=lambda state, _: state,
    project=lambda _: (),
    view_tables=(),
)
TRIAGE = Service(ServiceName.TRIAGE, "Says what it is told to", SAYS_ALL, SERVICE.router)


class TestWhatOthersSay:
    """Intake hears triage by a real broker."""

    async def test_moves_the_stage_and_closes_what_was_dismissed(
        self, intake: Intake, environment: Environment
    ) -> None:
        first, second = await intake.reported(reporter={"name": "Robin"}), await intake.reported()
        async with AsyncExitStack() as stack:
            triage = await stack.enter_async_context(running(TRIAGE, settings(environment, ServiceName.TRIAGE)))
            for task in (triage.ledger.run(), _relay(triage).run(), _consumer(intake).run()):
                stack.callback(asyncio.create_task(task).cancel)
            await self._say(triage, first, ASSESSED)
            await self._reaches(intake, first, "assessed")
            await self._say(triage, first, _contained(triage))
            await self._reaches(intake, first, "contained")
            await self._say(triage, second, IncidentDismissed(reason=DismissalReason.DUPLICATE, note="of the first"))
            await self._reaches(intake, second, "closed")
        view = (await intake.get(f"/incidents/{first['incident_id']}")).json()
        assert (view["version"], view["stage"]) == (3, "contained")
        refused = await intake.report(incident_id=second["incident_id"])
        assert (refused.status_code, refused.json()["rule"]) == (409, "dismissed")
        await self._rebuild(intake)

    async def _say(self, triage: Running[EventData, None], receipt: dict[str, Any], data: EventData) -> None:
        context = Context(triage.now(), Actor("lea", frozenset({Role.LEAD})))
        await triage.ledger.carry_out(UUID(receipt["incident_id"]), data, context, must_exist=False)

    async def _reaches(self, intake: Intake, receipt: dict[str, Any], stage: str) -> None:
        async with asyncio.timeout(30):
            while (await intake.get(receipt["links"]["status"], role=None)).json()["stage"] != stage:
                await asyncio.sleep(0.02)

    async def _rebuild(self, intake: Intake) -> None:
        """The views come out equal, and the reporters stay."""
        read = ["TABLE incident ORDER BY 1", "TABLE report ORDER BY 1", "TABLE reporter ORDER BY 1"]
        before = [await intake.rows(sql) for sql in read]
        await rebuild_views(intake.running.pool, SERVICE.rules)
        assert [await intake.rows(sql) for sql in read] == before
        assert len(before[2]) == 1


def _contained(triage: Running[EventData, None]) -> Contained:
    return Contained(
        action_id=triage.new_id(),
        kind=ActionKind.ASK_AUTHOR_TO_REMOVE,
        action_class=ActionClass.CORRECTIVE,
        outcome=Outcome.SUCCESSFUL,
        carried_out_at=triage.now(),
    )


def _relay(process: Running[Any, Any]) -> Relay:
    about = process.settings
    dsn = about.database_dsn.get_secret_value()
    return Relay(process.service.name, dsn, about.kafka(), about.topic, process.ledger.appended)


def _consumer(intake: Intake) -> Consumer[Any, Any]:
    process, about = intake.running, intake.running.settings
    return Consumer(process.ledger, SERVICE.rules, process.pool, process.trust, about.kafka(), about.topic, process.lag)
