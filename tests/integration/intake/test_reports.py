"""POST /reports: receipts after commit, reports once each, reporters nowhere but in their own
table."""

import asyncio
import base64
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.intake.bodies import REPORT_EXAMPLE
from shared.contract.authority import Role
from shared.contract.envelope import read
from shared.contract.hashing import event_hash, signed_bytes
from shared.runtime.process import clock
from shared.tlog.note import Signer
from tests.integration.intake.conftest import Intake

NOBODY = UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000)


class TestAReceipt:
    async def test_is_enough_to_find_and_check_the_event_later(self, intake: Intake) -> None:
        receipt = await intake.reported(**REPORT_EXAMPLE)
        (row,) = await intake.rows(
            "SELECT envelope, signature FROM ledger WHERE service = $1 AND partition = $2 AND "
            "sequence = $3",
            *(receipt["chain"][name] for name in ("service", "partition", "sequence")),
        )
        event = read(row["envelope"])
        assert (str(event.id), str(event.subject_id)) == (
            receipt["event_id"],
            receipt["incident_id"],
        )
        assert receipt["hash"] == event_hash(row["envelope"]).hex()
        assert base64.b64decode(receipt["signature"]) == row["signature"]
        assert receipt["keyid"] == event.keyid
        assert datetime.fromisoformat(receipt["time"]) == event.time
        assert receipt["version"] == 1
        key = intake.keys.signing_key(event.service).read_text(encoding="utf-8").strip()
        assert Signer.parse(key).sign(signed_bytes(row["envelope"])) == row["signature"]

    async def test_says_where_the_report_is(self, intake: Intake) -> None:
        answer = await intake.report(**REPORT_EXAMPLE)
        links = answer.json()["links"]
        assert (answer.headers["Location"], answer.headers["ETag"]) == (links["report"], '"1"')
        assert (await intake.get(links["report"])).status_code == 200
        assert (await intake.get(links["status"], role=None)).status_code == 200

    async def test_is_given_for_a_report_that_knows_nothing(self, intake: Intake) -> None:
        assert await intake.reported()


class TestAReport:
    async def test_adds_to_the_incident_that_it_names(self, intake: Intake) -> None:
        first = await intake.reported()
        second = await intake.reported(
            incident_id=first["incident_id"], description="Gone since noon"
        )
        assert second["incident_id"] == first["incident_id"]
        assert second["version"] == 2

    async def test_of_an_unknown_incident_is_refused(self, intake: Intake) -> None:
        answer = await intake.report(incident_id=str(NOBODY))
        assert (answer.status_code, answer.headers["content-type"]) == (
            404,
            "application/problem+json",
        )
        assert str(NOBODY) in answer.json()["detail"]

    async def test_that_mixes_exercise_and_real_is_refused(self, intake: Intake) -> None:
        drill = await intake.reported(exercise=True)
        answer = await intake.report(incident_id=drill["incident_id"])
        problem = answer.json()
        assert (answer.status_code, problem["rule"], problem["missing"]) == (
            409,
            "exercise_matches",
            ["exercise"],
        )

    async def test_from_the_future_is_refused(self, intake: Intake) -> None:
        later = (clock.now() + timedelta(hours=1)).isoformat()
        answer = await intake.report(noticed_at=later)
        assert (answer.status_code, answer.json()["rule"]) == (409, "noticed_before_now")

    async def test_with_a_wrong_field_is_refused_by_its_name(self, intake: Intake) -> None:
        answer = await intake.report(exposure={"still_live": "perhaps"}, platfrom="x")
        assert answer.status_code == 422
        assert {error["pointer"] for error in answer.json()["errors"]} == {
            "#/exposure/still_live",
            "#/platfrom",
        }

    async def test_that_adds_to_a_stale_version_is_refused(self, intake: Intake) -> None:
        first = await intake.reported()
        stale = await intake.report(incident_id=first["incident_id"], headers={"If-Match": '"7"'})
        assert stale.status_code == 412
        fresh = await intake.report(incident_id=first["incident_id"], headers={"If-Match": '"1"'})
        assert (fresh.status_code, fresh.headers["ETag"]) == (201, '"2"')

    async def test_that_is_too_large_is_refused(self, intake: Intake) -> None:
        answer = await intake.report(description="x" * 300_000)
        assert answer.status_code == 413
        assert await intake.count() == 0

    @pytest.mark.parametrize("role", Role)
    async def test_is_taken_from_everybody_who_may(self, intake: Intake, role: Role) -> None:
        expected = 403 if role in {Role.AUDITOR, Role.ADMIN} else 201
        assert (await intake.report(role=role)).status_code == expected

    async def test_is_not_taken_without_a_token(self, intake: Intake) -> None:
        assert (await intake.http.post("/reports", json={})).status_code == 401

    async def test_one_of_many_that_add_at_once_is_not_lost(self, intake: Intake) -> None:
        incident = (await intake.reported())["incident_id"]
        receipts = await asyncio.gather(
            *(intake.reported(incident_id=incident, description=str(n)) for n in range(20))
        )
        assert {receipt["version"] for receipt in receipts} == set(range(2, 22))


class TestTheSameAgain:
    async def test_gets_the_same_answer(self, intake: Intake) -> None:
        key = {"Idempotency-Key": "report-17"}
        answers = [await intake.report(headers=key, **REPORT_EXAMPLE) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        assert (await intake.count(), await intake.count("reporter")) == (1, 1)

    async def test_at_once_gets_the_same_answer(self, intake: Intake) -> None:
        key = {"Idempotency-Key": "report-17"}
        answers = await asyncio.gather(
            *(intake.report(headers=key, **REPORT_EXAMPLE) for _ in range(20))
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        assert (await intake.count(), await intake.count("reporter")) == (1, 1)

    async def test_with_another_body_is_refused(self, intake: Intake) -> None:
        key = {"Idempotency-Key": "report-17"}
        await intake.report(headers=key, description="One")
        answer = await intake.report(headers=key, description="Another")
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (
            409,
            "idempotency-mismatch",
        )
        assert await intake.count() == 1

    async def test_by_another_caller_is_another_report(self, intake: Intake) -> None:
        key = {"Idempotency-Key": "1"}
        first = await intake.report(headers=key)
        second = await intake.report(headers=key, role=Role.LEGAL)
        assert first.json()["incident_id"] != second.json()["incident_id"]

    async def test_with_a_key_that_is_none_is_refused(self, intake: Intake) -> None:
        assert (await intake.report(headers={"Idempotency-Key": "two words"})).status_code == 422


class TestAReporter:
    NAME = "Robin Longname-Uncommon"
    CONTACT = "robin.uncommon@example.org"

    async def test_stands_in_their_own_table_and_nowhere_else(self, intake: Intake) -> None:
        await intake.reported(
            reporter={"name": self.NAME, "contact": self.CONTACT}, description="Seen"
        )
        assert await _tables_with(intake, self.NAME) == {"reporter"}
        assert await _tables_with(intake, self.CONTACT) == {"reporter"}

    async def test_is_shown_to_legal_by_the_reports_reference(self, intake: Intake) -> None:
        receipt = await intake.reported(reporter={"name": self.NAME})
        reference = (await intake.get(receipt["links"]["report"])).json()["data"]["reporter"]
        shown = (await intake.get(f"/reporters/{reference}", role=Role.LEGAL)).json()
        assert (shown["reference"], shown["name"], shown["contact"]) == (reference, self.NAME, None)
        for role in set(Role) - {Role.LEGAL}:
            assert (await intake.get(f"/reporters/{reference}", role=role)).status_code == 403
        assert (await intake.get(f"/reporters/{NOBODY}", role=Role.LEGAL)).status_code == 404

    async def test_of_a_refused_report_is_not_kept(self, intake: Intake) -> None:
        assert (
            await intake.report(incident_id=str(NOBODY), reporter={"name": self.NAME})
        ).status_code == 404
        assert await intake.count("reporter") == 0

    async def test_is_out_of_the_auditors_reach_and_never_overwritten(self, intake: Intake) -> None:
        await intake.reported(reporter={"name": self.NAME})
        for dsn, sql in (
            (intake.database.auditor_dsn, "SELECT * FROM reporter"),
            (intake.database.service_dsn, "UPDATE reporter SET name = 'x'"),
        ):
            connection = await asyncpg.connect(dsn)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(sql)
            await connection.close()

    async def test_who_is_not_stands_in_the_directory_alone(self, intake: Intake) -> None:
        """And the retry key nowhere."""
        caller = "unmistakable-subject-4711"
        headers = {
            **intake.token(Role.RESPONDER, caller),
            "Idempotency-Key": "unmistakable-key-4711",
        }
        assert (await intake.report(headers=headers, role=Role.RESPONDER)).status_code == 201
        assert await _tables_with(intake, "unmistakable-key") == set()
        assert await _tables_with(intake, "unmistakable-subject") == {"person"}
        pseudonym = intake.running.people.pseudonym_of(caller)
        (report,) = await intake.listed("/reports")
        assert report["actor"] == pseudonym
        page = (await intake.get("/reports")).json()
        assert page["people"] == {pseudonym: caller}
        assert "people" not in (await intake.get("/reports", Role.AUDITOR)).json()

    async def test_who_is_anonymous_leaves_nothing(self, intake: Intake) -> None:
        caller = "unmistakable-subject-4711"
        headers = {
            **intake.token(Role.RESPONDER, caller),
            "Idempotency-Key": "unmistakable-key-4711",
        }
        answers = [
            await intake.http.post(
                "/reports", json={"anonymous": True, "description": "Seen"}, headers=headers
            )
            for _ in range(2)
        ]
        assert {answer.status_code for answer in answers} == {201}
        assert answers[0].text == answers[1].text
        assert await _tables_with(intake, "unmistakable") == set()
        assert await _tables_with(intake, intake.running.people.pseudonym_of(caller)) == set()
        assert await intake.count("reporter") == 0
        report = (await intake.get(answers[0].json()["links"]["report"])).json()
        assert (report["actor"], report["anonymous"], report["data"]["reporter"]) == (
            "anonymous",
            True,
            None,
        )

    async def test_who_is_anonymous_is_not_found_by_the_trace_of_the_request(
        self, intake: Intake
    ) -> None:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        assert (await intake.report(anonymous=True, headers=headers)).status_code == 201
        assert await _tables_with(intake, trace) == set()
        assert (await intake.report(headers=headers)).status_code == 201
        assert await _tables_with(intake, trace) == {"ledger"}


async def _tables_with(intake: Intake, text: str) -> set[str]:
    """The tables of the whole database in which the text stands, in whatever column."""
    names = await intake.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    connection: Any = await asyncpg.connect(intake.database.admin_dsn)
    found = set()
    for (name,) in names:
        rows = await connection.fetch(f"SELECT * FROM {name}")  # noqa: S608
        if any(text.encode() in _bytes(value) for row in rows for value in row.values()):
            found.add(name)
    await connection.close()
    return found


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
