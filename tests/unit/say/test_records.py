"""What a service says of the record itself: in its place on the partition's system subject, all of
it or nothing."""

from pathlib import Path
from typing import Any

import pytest

from shared.contract.catalogue.system import ChainHoleRecorded, KeyRotated, SystemRecord
from shared.contract.decision import Actor, Context
from shared.contract.envelope import read
from shared.contract.topics import system_subject
from shared.contract.vocabulary import ServiceName
from shared.runtime.say.conflicts import Conflict
from shared.runtime.say.keyring import Keyring
from shared.runtime.say.record import say_of_the_record
from shared.runtime.say.writer import Writer
from tests.unit.runtime.driver import Driver
from tests.unit.runtime.test_receiving import signer, trust
from tests.unit.say.test_rows import chain_rows
from tests.unit.say.test_turns import NOW
from tests.unit.seal.test_decide import NEW

INTAKE = ServiceName.INTAKE
CONTEXT = Context(NOW, Actor("maria"))
ROTATED = KeyRotated(vkey=NEW.vkey)
HOLE = ChainHoleRecorded(chain=INTAKE, missing=1, since=NOW)


def head(partition: int, version: int) -> dict[str, Any]:
    incident = system_subject(partition)
    return {"subject_id": incident, "version": version, "said_hash": b"s" * 32}


def answers(known: list[dict[str, Any]], found: list[dict[str, Any]], moved: bool) -> list[Any]:
    """In the order of the statements: locks, heads, locks and heads of the turn, the write."""
    return [chain_rows(), known, chain_rows(), found, moved]


async def say(
    folder: Path, driver: Driver, records: dict[int, list[SystemRecord]]
) -> tuple[int, Driver]:
    file = folder / "key"
    file.write_text(signer(INTAKE).skey)
    writer = Writer(driver, Keyring(INTAKE, file, trust().copy()), lambda _: ())
    return await say_of_the_record(driver, writer, records, CONTEXT), driver


async def test_nothing_to_say_locks_nothing(tmp_path: Path) -> None:
    said, driver = await say(tmp_path, Driver(), {})
    assert (said, driver.asked) == (0, [])


async def test_chains_are_locked_before_versions_are_read(tmp_path: Path) -> None:
    _, driver = await say(tmp_path, Driver(answers([], [], True)), {3: [ROTATED]})
    assert driver.asked[0].args == (["intake"], [3])
    assert driver.asked[0].sql.endswith("FOR UPDATE")
    assert driver.asked[1].args == ([system_subject(3)],)


@pytest.mark.parametrize(
    ("records", "known", "versions"),
    [
        ({3: 1}, {}, [1]),
        ({3: 2}, {}, [1, 2]),
        ({3: 1}, {3: 7}, [8]),
        ({5: 1, 3: 2}, {5: 4}, [1, 2, 5]),
    ],
)
async def test_each_goes_on_where_its_partition_stands(
    tmp_path: Path, records: dict[int, int], known: dict[int, int], versions: list[int]
) -> None:
    heads = [head(partition, version) for partition, version in known.items()]
    driver = Driver(answers(heads, heads, True))
    told = {partition: [*[HOLE] * (count - 1), ROTATED] for partition, count in records.items()}
    said, _ = await say(tmp_path, driver, told)
    assert said == sum(records.values())
    written = driver.asked[4].args
    events = [read(envelope) for envelope in written[11]]
    assert written[9] == versions
    assert [event.subject_id for event in events] == [
        system_subject(partition) for partition in sorted(records) for _ in told[partition]
    ]
    assert {(event.actor, event.time) for event in events} == {("maria", NOW)}


async def test_a_change_of_key_is_marked_on_its_chain_in_the_same_transaction(
    tmp_path: Path,
) -> None:
    _, driver = await say(tmp_path, Driver(answers([], [], True)), {3: [ROTATED]})
    assert driver.asked[5].sql.startswith("UPDATE chain SET rotated")
    assert driver.asked[5].args == ("intake", 3, 31)


async def test_a_refusal_of_one_is_the_refusal_of_all(tmp_path: Path) -> None:
    driver = Driver(answers([], [head(3, 2)], True))
    with pytest.raises(Conflict, match="is at version 2, not at 0"):
        await say(tmp_path, driver, {3: [ROTATED], 5: [ROTATED]})


async def test_a_chain_that_moves_under_its_lock_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="a chain moved while it was locked"):
        await say(tmp_path, Driver(answers([], [], False)), {3: [ROTATED]})
