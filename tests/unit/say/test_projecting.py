"""How views are written: each subject's writes in their order, equal statements together."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.catalogue.review import ContentErased, ErasedText, ErasureGround
from shared.contract.catalogue.system import PersonErased
from shared.contract.topics import PARTITIONS, system_subject
from shared.runtime.say.plan import Recorded, Write
from shared.runtime.say.projection import apply, execute, shown
from tests.unit.given import event
from tests.unit.runtime.driver import Asked, Driver

PERSON = "p" + "a" * 26
DATA = Reported(opens=True, channel=ReportChannel.API)


def recorded(incident: int, version: int) -> Recorded:
    one = event(DATA, number=version)._replace(subject_id=UUID(int=incident))
    return Recorded(one, version)


def project(item: Recorded) -> Iterator[Write]:
    """As many writes as the version, by two statements in turn."""
    for number in range(item.version):
        sql = "INSERT" if number % 2 == 0 else "UPDATE"
        yield Write(sql, (item.event.subject_id.int, item.version, number))


def written(driver: Driver) -> list[tuple[str, tuple[int, ...]]]:
    return [
        (asked.sql, args)
        for asked in driver.asked
        for args in (asked.args if asked.method == "executemany" else [asked.args])
    ]


@given(st.lists(st.integers(1, 4), max_size=15))
async def test_the_writes_of_an_incident_keep_their_order(incidents: list[int]) -> None:
    told = [
        recorded(incident, incidents[: at + 1].count(incident))
        for at, incident in enumerate(incidents)
    ]
    driver = Driver()
    await apply(driver, project, told)
    for incident in set(incidents):
        own = [item for item in told if item.event.subject_id.int == incident]
        expected = [(write.sql, write.args) for item in own for write in project(item)]
        assert [one for one in written(driver) if one[1][0] == incident] == expected
    assert len(written(driver)) == sum(item.version for item in told)


async def test_equal_statements_of_many_incidents_are_one() -> None:
    driver = Driver()
    await apply(driver, project, [recorded(number, 2) for number in range(5)])
    assert [(asked.method, asked.sql) for asked in driver.asked] == [
        ("executemany", "INSERT"),
        ("executemany", "UPDATE"),
    ]


async def test_one_alone_is_no_batch() -> None:
    driver = Driver()
    await execute(driver, [Write("DELETE", (7, "x"))])
    assert driver.asked == [Asked("execute", "DELETE", (7, "x"))]


@pytest.mark.parametrize("partition", range(PARTITIONS))
async def test_a_system_incident_is_in_no_view(partition: int) -> None:
    driver = Driver()
    record = Recorded(event(DATA)._replace(subject_id=system_subject(partition)), 1)
    await apply(driver, project, [record])
    assert driver.asked == []


def _verbs(driver: Driver) -> list[str]:
    return [" ".join(asked.sql.split()[:3]) for asked in driver.asked]


async def test_what_erases_texts_drops_them_before_any_view_looks() -> None:
    erased = ContentErased(
        erasure_id=UUID(int=1),
        ground=ErasureGround.OBJECTION,
        texts=(ErasedText(event_id=UUID(int=2), name="text", digest="d" * 43),),
        requested_by="pia",
        confirmed_by="lou",
    )
    driver = Driver()
    await apply(driver, lambda _: [Write("A VIEW'S")], [Recorded(event(erased), 1)])
    lock, remembered, dropped, view = driver.asked
    assert "pg_advisory_xact_lock" in lock.sql, "texts that are on their way in wait"
    assert "INSERT INTO erased" in remembered.sql
    assert "DELETE FROM disclosure" in dropped.sql
    assert dropped.args == (["d" * 43],)
    assert view.sql == "A VIEW'S"


async def test_what_erases_a_person_drops_the_person_though_it_is_in_no_view() -> None:
    erased = PersonErased(
        person=PERSON, ground=ErasureGround.OBJECTION, requested_by="pia", confirmed_by="lou"
    )
    record = Recorded(event(erased)._replace(subject_id=system_subject(0)), 1)
    driver = Driver()
    await apply(driver, project, [record])
    assert _verbs(driver) == [
        "LOCK TABLE person",
        "INSERT INTO forgotten_person",
        "DELETE FROM person",
        "INSERT INTO untold_person",
    ]
    assert all(PERSON in asked.args for asked in driver.asked[1:])


async def test_nothing_to_write_asks_for_nothing() -> None:
    driver = Driver()
    await execute(driver, [])
    await apply(driver, lambda _: (), [recorded(1, 3)])
    assert driver.asked == []


def test_what_an_event_shows_are_its_views_alone() -> None:
    erased = ContentErased(
        erasure_id=UUID(int=1),
        ground=ErasureGround.OBJECTION,
        texts=(ErasedText(event_id=UUID(int=2), name="text", digest="d" * 43),),
        requested_by="pia",
        confirmed_by="lou",
    )
    view = Write("A VIEW'S")
    told = [Recorded(event(erased), 1), Recorded(event(DATA, number=2), 2)]
    assert shown(lambda _: [view], told) == [view, view]
