"""The database of a service, whose disk is full: nothing is lost, parked or told as a bug, and all
goes on once there is space.

A trigger on every table answers each write as Postgres does where a file cannot grow."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
import httpx
import pytest
import structlog.testing

from services.intake import queries
from services.intake.__main__ import SERVICE as INTAKE
from services.intake.sources import registration
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.notify import CommunicationRequired
from shared.contract.catalogue.review import ReviewOpened, ReviewTrigger
from shared.contract.catalogue.triage import Assessed, SeatFilled
from shared.contract.decision import Actor, Context
from shared.contract.vocabulary import (
    Audience,
    AudienceTier,
    Determination,
    Seat,
    ServiceName,
    Severity,
)
from shared.runtime.process import clock
from shared.runtime.process.persistence import persist
from shared.runtime.service import Service
from tests.integration.conftest import Environment, FreshDatabase
from tests.integration.serving import Served, others, says_all, serving, until
from tests.services import SERVICES, by_name

REPORTED: Final = Reported(opens=True, exercise=False, channel=ReportChannel.API)
FILLED: Final = SeatFilled(seat=Seat.IT, holder="ivan")
REFUSES: Final = """
CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'could not extend file "base/16384/16385": No space left on device'
        USING ERRCODE = 'disk_full', HINT = 'Check free disk space.';
END $$
"""
ASSESSED: Final = Assessed(
    revision=1,
    determination=Determination.CONFIRMED,
    information_types=(),
    exposure=Exposure(audience_tier=AudienceTier.D_PUBLIC),
    severity=Severity.HIGH,
    severity_rule="a_row",
)
SOURCE: Final = "//dlp.example/scanner"
EVENT: Final = {"specversion": "1.0", "type": "finding", "source": SOURCE, "data": {}}


@contextlib.asynccontextmanager
async def full(database: FreshDatabase) -> AsyncIterator[None]:
    """While it lasts, no table of the database takes a row, a change or a deletion."""
    connection = await asyncpg.connect(database.admin_dsn)
    tables = await connection.fetch(
        "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
    )
    assert len(tables) > 5
    await connection.execute(REFUSES)
    for (table,) in tables:
        await connection.execute(
            f"CREATE TRIGGER refuses BEFORE INSERT OR UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuses()"
        )
    try:
        yield
    finally:
        await connection.execute("DROP FUNCTION refuses CASCADE")
        await connection.close()


HEARD: Final[dict[ServiceName, EventData]] = {
    ServiceName.INTAKE: FILLED,
    ServiceName.TRIAGE: REPORTED,
    ServiceName.NOTIFY: ASSESSED,
    ServiceName.REVIEW: ASSESSED,
}
"""What another service says and this one hears; the last two also say something because of it."""
OWN: Final[dict[ServiceName, EventData]] = {
    ServiceName.INTAKE: REPORTED,
    ServiceName.TRIAGE: FILLED,
    ServiceName.NOTIFY: CommunicationRequired(audience=Audience.PRESS, rule="a_row"),
    ServiceName.REVIEW: ReviewOpened(trigger=ReviewTrigger.REQUESTED),
}


@pytest.mark.parametrize("service", SERVICES, ids=by_name)
async def test_a_service_waits_for_space_and_goes_on(
    service: Service[Any, Any, Any], environment: Environment
) -> None:
    heard = HEARD[service.name]
    async with (
        others(environment, heard.SAID_BY) as around,
        serving(environment, service, "writer", "relay", "consumer") as served,
    ):
        first, second = clock.new_id(), clock.new_id()
        await around.say(first, heard)

        async def more_than(count: int) -> bool:
            return await served.count() > count

        await until(lambda: more_than(0), "the first is heard")
        known = await served.count()
        with structlog.testing.capture_logs() as logged:
            async with full(environment.databases[service.name]):
                await around.say(second, heard)
                await until(lambda: _told(logged, "consumer"), "the consumer has said why it waits")
                assert await served.count() == known
            await until(lambda: more_than(known), "the second is heard")
        assert await served.count() == 2 * known
        assert await served.count("parked") == 0
        assert [line for line in logged if line["log_level"] in {"error", "critical"}] == []
        ready = await served.get("/readyz")
        assert (ready.status_code, ready.json()["parked"]) == (200, 0)


@pytest.mark.parametrize("service", SERVICES, ids=by_name)
async def test_a_command_is_refused_whole_and_taken_again(
    service: Service[Any, Any, Any], environment: Environment
) -> None:
    async with serving(environment, says_all(service), "writer", "relay") as served:
        ledger, incident = served.running.ledger, clock.new_id()

        async def say() -> None:
            context = Context(clock.now(), Actor("somebody"))
            await ledger.carry_out(incident, OWN[service.name], context, must_exist=False)

        async with full(environment.databases[service.name]):
            with pytest.raises(asyncpg.DiskFullError):
                await say()
            assert await served.count() == 0
            waiting = asyncio.create_task(persist("a result", say))
            await asyncio.wait([waiting], timeout=0.5)
            assert not waiting.done()
        await asyncio.wait_for(waiting, 20)
        assert await served.count() == 1

        async def relayed() -> bool:
            ready = (await served.get("/readyz")).json()
            return bool(ready["lag"]["to_relay"] == 0)

        await until(relayed, "what was said is on the topic")


async def report(served: Served, path: str, content_type: str, body: Any) -> httpx.Response:
    headers = {**served.token(Role.SOURCE, "dlp"), "Content-Type": content_type}
    return await served.http.post(path, content=json.dumps(body), headers=headers)


WAYS: Final[dict[str, tuple[str, str, Any]]] = {
    "report": ("/reports", "application/json", {}),
    "declared": ("/reports", "application/json; charset=utf-8", {}),
    "line": ("/reports/batch", "application/x-ndjson", {}),
    "event": ("/events", "application/cloudevents+json", {**EVENT, "id": "1"}),
    "events": ("/events", "application/cloudevents-batch+json", [{**EVENT, "id": "2"}]),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_a_reporter_is_told_to_come_again(
    way: tuple[str, str, Any], environment: Environment
) -> None:
    async with serving(environment, INTAKE, "writer") as served:
        connection = await asyncpg.connect(served.database.owner_dsn)
        people = served.running.people
        await queries.register(connection, people, registration("dlp", SOURCE), clock.now())
        await connection.close()
        async with full(served.database):
            refused = await report(served, *way)
            assert '"status":503' in refused.text
            assert "is full" in refused.text
            assert "disk_full" not in refused.text
            assert refused.status_code in {200, 503}
            assert ("Retry-After" in refused.headers) == (refused.status_code == 503)
        assert await served.count() == 0
        taken = await report(served, *way)
        assert taken.status_code in {200, 201}
        assert await served.count() == 1


async def _told(logged: list[Any], task: str) -> bool:
    return any(
        line.get("task") == task and "DiskFullError(53100" in str(line.get("error"))
        for line in logged
    )
