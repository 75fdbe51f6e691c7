"""Work on what was heard, behind savepoints: its failure is parked, or passes, or ends the
process."""

from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
import structlog.testing
from aiokafka.errors import KafkaConnectionError

from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.attempt import attempt
from shared.runtime.hear.judge import Heard, ParkReason, examine
from shared.runtime.hear.views import ViewFailed, show, show_each
from shared.runtime.say.keyring import KeyMissing
from shared.runtime.say.plan import Recorded, Write
from tests.unit.runtime.driver import Driver
from tests.unit.runtime.test_receiving import chain, trust

SAID = [
    item for one in chain(ServiceName.INTAKE, 3) if isinstance(item := examine(one, trust()), Heard)
]
RECORDED = [Recorded(item.event, at) for at, item in enumerate(SAID, 1)]


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as logged:
        yield logged


def failing(error: Exception | None) -> Any:
    async def work() -> str:
        if error is not None:
            raise error
        return "done"

    return work


def parked(driver: Driver) -> list[tuple[Any, ...]]:
    return [
        (*row[:2], row[3])
        for asked in driver.asked
        if asked.sql.startswith("INSERT INTO parked")
        for row in asked.args
    ]


@pytest.mark.parametrize("reason", [ParkReason.REACTION, ParkReason.PROJECTION])
async def test_work_that_is_done_is_kept(reason: ParkReason) -> None:
    driver = Driver()
    assert await attempt(driver, SAID[0], reason, failing(None)) == "done"
    assert driver.savepoints == ["begun", "kept"]
    assert parked(driver) == []


@pytest.mark.parametrize("reason", [ParkReason.REACTION, ParkReason.PROJECTION])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("maria@example.org"), "ValueError"),
        (KeyError("seat"), "KeyError"),
        (AssertionError("no row"), "AssertionError('no row')"),
        (asyncpg.UniqueViolationError("Key (a)=(maria)"), "UniqueViolationError(23505)"),
        (asyncpg.UndefinedColumnError("x"), "UndefinedColumnError(42703)"),
    ],
)
async def test_work_that_fails_is_undone_and_parked_without_values(
    logged: list[Any], reason: ParkReason, error: Exception, words: str
) -> None:
    driver = Driver()
    assert await attempt(driver, SAID[1], reason, failing(error)) is None
    assert driver.savepoints == ["begun", "undone"]
    assert parked(driver) == [(reason.value, words, SAID[1].record.offset)]
    (line,) = logged
    assert (line["event"], line["reason"]) == ("parked", reason.value)
    assert line["event_id"] == str(SAID[1].event.id)


@pytest.mark.parametrize(
    "error",
    [
        KeyMissing("no key"),
        OSError("away"),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        KafkaConnectionError("away"),
    ],
)
async def test_what_is_no_fault_of_the_event_is_raised(error: Exception) -> None:
    driver = Driver()
    with pytest.raises(type(error)) as raised:
        await attempt(driver, SAID[0], ParkReason.REACTION, failing(error))
    assert raised.value is error
    assert parked(driver) == []


def project(item: Recorded) -> list[Write]:
    return [Write(f"view {item.version}", (item.version,))]


def but_not(version: int, error: Exception) -> Any:
    def project_(item: Recorded) -> list[Write]:
        if item.version == version:
            raise error
        return project(item)

    return project_


def shown(driver: Driver) -> list[str]:
    return [asked.sql for asked in driver.asked if asked.sql.startswith("view")]


async def test_views_are_shown_in_one_go() -> None:
    driver = Driver()
    await show(driver, project, RECORDED)
    assert shown(driver) == ["view 1", "view 2", "view 3"]
    assert driver.savepoints == []


async def test_a_view_that_fails_loses_the_transaction() -> None:
    bug = ValueError("boom")
    with pytest.raises(ViewFailed) as failed:
        await show(Driver(), but_not(2, bug), RECORDED)
    assert failed.value.__cause__ is bug


async def test_a_database_that_is_away_is_no_view_that_fails() -> None:
    with pytest.raises(OSError, match="away"):
        await show(Driver([OSError("away")]), project, RECORDED)


async def test_where_all_views_can_be_shown_nothing_is_tried_twice() -> None:
    driver = Driver()
    await show_each(driver, project, SAID, RECORDED)
    assert shown(driver) == ["view 1", "view 2", "view 3"]
    assert driver.savepoints == ["begun", "kept"]


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_only_the_event_that_a_view_fails_on_is_parked(version: int) -> None:
    driver = Driver()
    broken = but_not(version, AssertionError("boom"))
    await show_each(driver, broken, SAID, RECORDED)
    assert shown(driver) == [f"view {n}" for n in (1, 2, 3) if n != version]
    offset = SAID[version - 1].record.offset
    assert parked(driver) == [("projection", "AssertionError('boom')", offset)]
    assert driver.savepoints[:2] == ["begun", "undone"]
    assert driver.savepoints.count("kept") == 2
