"""What intake shows, and to whom."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.intake.__main__ import SERVICE
from shared.contract.authority import Role
from shared.contract.catalogue.base import Exposure
from shared.contract.catalogue.triage import Assessed, Contained, IncidentDismissed
from shared.contract.vocabulary import (
    ActionClass,
    ActionKind,
    Determination,
    DismissalReason,
    Outcome,
    ServiceName,
    Severity,
)
from shared.runtime.repair.view_rebuilding import rebuild_views
from shared.runtime.web.auth import READERS
from tests.integration.conftest import Environment
from tests.integration.intake.conftest import Intake, intake_of
from tests.integration.serving import NOBODY, others, serving, until


async def found(intake: Intake, **filters: Any) -> list[str]:
    """The reports that a filter finds, newest first, read page by page."""
    return [item["report_id"] for item in await intake.listed("/reports", **filters)]


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
            for name, receipt in {
                "plain": plain,
                "drill": drill,
                "nameless": nameless,
                "added": added,
            }.items()
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
        "query",
        [
            "cursor=x",
            "limit=0",
            "limit=201",
            "since=yesterday",
            "since=0001-01-01T00:00:00Z",
            "channel=fax",
        ],
    )
    async def test_refuses_what_it_does_not_understand(self, intake: Intake, query: str) -> None:
        assert (await intake.get(f"/reports?{query}")).status_code in {400, 422}

    @pytest.mark.parametrize("role", Role)
    async def test_is_for_staff(self, intake: Intake, role: Role) -> None:
        assert (await intake.get("/reports", role=role)).status_code == (
            200 if role in READERS else 403
        )
        assert (await intake.get("/reports", role=None)).status_code == 401


class TestAReport:
    async def test_is_shown_as_it_was_said(self, intake: Intake) -> None:
        receipt = await intake.reported(description="Gone since noon", information_types=["pii"])
        report = (await intake.get(f"/reports/{receipt['event_id']}")).json()
        assert report["chain"] == receipt["chain"]
        assert report["hash"] == receipt["hash"]
        assert (report["people"][report["actor"]], report["anonymous"]) == ("a-source", False)
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
        assert [report["report_id"] for report in view["reports"]] == [
            second["event_id"],
            first["event_id"],
        ]
        assert (view["gates"], view["next_commands"]) == ([], ["report"])
        auditors = (
            await intake.get(f"/incidents/{first['incident_id']}", role=Role.AUDITOR)
        ).json()
        assert auditors["next_commands"] == []

    async def test_that_is_unknown_is_missing(self, intake: Intake) -> None:
        assert (await intake.get(f"/incidents/{NOBODY}")).status_code == 404


class TestThePublicStatus:
    async def test_tells_the_stage_and_nothing_else(self, intake: Intake) -> None:
        receipt = await intake.reported(description="A secret", exercise=True)
        answer = await intake.get(receipt["links"]["status"], role=None)
        assert answer.json() == {
            "report_id": receipt["event_id"],
            "stage": "received",
            "exercise": True,
        }

    async def test_of_an_unknown_report_is_missing(self, intake: Intake) -> None:
        assert (await intake.get(f"/reports/{NOBODY}/status", role=None)).status_code == 404


ASSESSED = Assessed(
    revision=1,
    determination=Determination.CONFIRMED,
    information_types=(),
    exposure=Exposure(),
    severity=Severity.LOW,
    severity_rule="a_row",
)
CONTAINED = Contained(
    action_id=NOBODY,
    kind=ActionKind.ASK_AUTHOR_TO_REMOVE,
    action_class=ActionClass.CORRECTIVE,
    outcome=Outcome.SUCCESSFUL,
    carried_out_at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
)


class TestWhatOthersSay:
    """Intake hears triage by a real broker."""

    async def test_moves_the_stage_and_closes_what_was_dismissed(
        self, environment: Environment
    ) -> None:
        async with (
            serving(environment, SERVICE, "writer", "consumer") as served,
            others(environment, ServiceName.TRIAGE) as triage,
        ):
            intake = intake_of(served)
            first, second = (
                await intake.reported(reporter={"name": "Robin"}),
                await intake.reported(),
            )
            one, two = UUID(first["incident_id"]), UUID(second["incident_id"])
            await triage.say(one, ASSESSED)
            await self._reaches(intake, first, "assessed")
            await triage.say(one, CONTAINED)
            await self._reaches(intake, first, "contained")
            await triage.say(
                two, IncidentDismissed(reason=DismissalReason.DUPLICATE, note="of the first")
            )
            await self._reaches(intake, second, "closed")
            view = (await intake.get(f"/incidents/{one}")).json()
            assert (view["version"], view["stage"]) == (3, "contained")
            refused = await intake.report(incident_id=str(two))
            assert (refused.status_code, refused.json()["rule"]) == (409, "dismissed")
            await self._rebuild(intake)

    async def _reaches(self, intake: Intake, receipt: dict[str, Any], stage: str) -> None:
        async def reached() -> bool:
            answer = await intake.get(receipt["links"]["status"], role=None)
            return bool(answer.json()["stage"] == stage)

        await until(reached, f"the incident is {stage}")

    async def _rebuild(self, intake: Intake) -> None:
        """The views come out equal, and the reporters stay."""
        read = ["TABLE incident ORDER BY 1", "TABLE report ORDER BY 1", "TABLE reporter ORDER BY 1"]
        before = [await intake.rows(sql) for sql in read]
        await rebuild_views(intake.running.pool, SERVICE.rules)
        assert [await intake.rows(sql) for sql in read] == before
        assert len(before[2]) == 1
