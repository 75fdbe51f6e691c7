"""The tables that hearing writes to: how far the topic is heard, and what is held of it."""

from collections.abc import Sequence
from typing import Any

import pytest

from shared.chain.link import Head
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear import tables
from shared.runtime.hear.judge import Heard, examine, placed
from shared.runtime.hear.tables import PartitionState, Stretch
from shared.runtime.process.lease import Fenced
from shared.runtime.say.plan import SubjectHead
from tests.unit.runtime.driver import Driver
from tests.unit.runtime.test_receiving import INCIDENT, chain, trust

INTAKE = ServiceName.INTAKE
SAID = [item for one in chain(INTAKE, 3) if isinstance(item := examine(one, trust()), Heard)]
FENCED = "another replica hears partition 3 now, or it is to be heard from elsewhere"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(None, None, None, False)], PartitionState(False, {})),
        ([(None, None, None, True)], PartitionState(True, {})),
        (
            [(INCIDENT, 4, b"h" * 32, True)],
            PartitionState(True, {INCIDENT: SubjectHead(4, b"h" * 32)}),
        ),
    ],
)
async def test_a_partition_is_looked_at_once(
    rows: Sequence[tuple[Any, ...]], expected: PartitionState
) -> None:
    names = ("subject_id", "version", "said_hash", "waits")
    driver = Driver([[dict(zip(names, row, strict=True)) for row in rows]])
    assert await tables.look(driver, 3, {INCIDENT}) == expected
    assert [asked.args for asked in driver.asked] == [(3, [INCIDENT])]


async def test_hashes_are_asked_for_only_of_numbers_that_come_again() -> None:
    driver = Driver([[{"service": "intake", "sequence": 2, "hash": b"h"}]])
    assert await tables.hashes_of(driver, 3, []) == {}
    assert driver.asked == []
    events = [item.event for item in SAID[1:]]
    assert await tables.hashes_of(driver, 3, events) == {(INTAKE, 2): b"h"}
    assert driver.asked[0].args == (3, ["intake", "intake"], [2, 3])


@pytest.mark.parametrize("stretch", [Stretch(5, 9), Stretch(9, 0)])
async def test_an_offset_moves_from_where_it_was_read(stretch: Stretch) -> None:
    driver = Driver(["UPDATE 1"])
    await tables.heard_to(driver, 3, stretch)
    assert driver.asked[0].args == (3, stretch.start, stretch.end)


async def test_an_offset_that_another_replica_moved_fences_this_one() -> None:
    with pytest.raises(Fenced) as fenced:
        await tables.heard_to(Driver(["UPDATE 0"]), 3, Stretch(5, 9))
    assert str(fenced.value) == FENCED


async def recorded(driver: Driver, stretch: Stretch | None) -> None:
    rows, incidents = placed(ServiceName.NOTIFY, SAID, {})
    heads = {(INTAKE, 3): Head(3, SAID[-1].event.hash)}
    offsets = [item.record.offset for item in SAID]
    await tables.record(driver, rows, offsets, heads, incidents, 3, stretch)


async def test_what_was_heard_is_written_in_columns() -> None:
    driver = Driver([1])
    await recorded(driver, Stretch(5, 9))
    (asked,) = driver.asked
    assert len(asked.args) == 21
    assert all(f"${number}" in asked.sql for number in range(1, 22))
    assert {len(column) for column in asked.args[:11]} == {3}
    assert asked.args[2] == [1, 2, 3]
    assert asked.args[5] == [1, 2, 3], "versions count on from what is known"
    assert asked.args[11:15] == (["intake"], [3], [3], [SAID[-1].event.hash])
    assert asked.args[15:17] == ([INCIDENT], [3])
    assert asked.args[18:] == (3, 5, 9)


@pytest.mark.parametrize("moved", [0, None])
async def test_a_batch_that_another_replica_heard_is_fenced(moved: int | None) -> None:
    with pytest.raises(Fenced) as fenced:
        await recorded(Driver([moved]), Stretch(5, 9))
    assert str(fenced.value) == FENCED


async def test_what_is_heard_again_moves_no_offset_and_is_not_fenced() -> None:
    driver = Driver([0])
    await recorded(driver, None)
    assert driver.asked[0].args[18:] == (3, None, None)


@pytest.mark.parametrize(("seals", "statements"), [(False, 7), (True, 10)])
async def test_a_topic_that_is_another_one_is_read_and_relayed_from_its_beginning(
    seals: bool, statements: int
) -> None:
    driver = Driver(
        ["UPDATE 1", "UPDATE 8", "UPDATE 8", "UPDATE 8", "INSERT 0 0", "INSERT 0 0", seals]
    )
    await tables.set_back(driver)
    assert len(driver.asked) == statements
    told = "; ".join(asked.sql for asked in driver.asked)
    for table in (
        "relay_lease SET epoch",
        "relay_cursor SET sequence = 0",
        "heard_offset SET",
        "told_offset SET",
    ):
        assert table in told
    assert "INSERT INTO untold_person" in told
    assert "INSERT INTO retold" in told
    assert ("UPDATE log_offset SET next_offset = 0" in told) is seals
    assert ("UPDATE log_state SET epoch = epoch + 1" in told) is seals
