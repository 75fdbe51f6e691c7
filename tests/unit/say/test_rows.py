"""Rows of the ledger as the driver gives them, and what is read off them."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.chain.link import Head
from shared.chain.statements import ChainHeads, SubjectStatement, open_statement
from shared.contract.disclosure import Disclosure
from shared.contract.envelope import MalformedEnvelope, read
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.say import tables
from shared.runtime.say.conflicts import IdempotencyMismatch
from shared.runtime.say.history import known_of, said_under
from shared.runtime.say.keyring import Keyring, KeysDiffer
from shared.runtime.say.plan import Idempotency, SubjectHead, plan
from shared.runtime.say.words import chain_checkpoint, subject_head
from shared.tlog.turns import LENGTHS
from tests.unit.runtime.driver import Driver
from tests.unit.runtime.test_receiving import INCIDENT, chain, signer, trust
from tests.unit.say.test_turns import HEADS, NOW, SPEAKER, proposal
from tests.unit.seal.test_decide import NEW, rotating

INTAKE = ServiceName.INTAKE
SAID = chain(INTAKE, 3)
KEY = Idempotency("u-1 k", b"digest")


def rows() -> list[dict[str, Any]]:
    return [
        {"version": at, "envelope": one.value, "signature": one.signature}
        for at, one in enumerate(SAID, 1)
    ]


def chain_rows(rotated: int = 0, at: int = 3) -> list[dict[str, Any]]:
    return [
        {
            "service": "intake",
            "partition": number,
            "sequence": 10 * number,
            "hash": bytes([number]) * 32,
            "rotated": rotated if number == at else 0,
        }
        for number in range(PARTITIONS)
    ]


def keyring(tmp_path: Any, *keys: str) -> Keyring:
    file = tmp_path / "key"
    file.write_text("\n".join(keys or (signer(INTAKE).skey,)))
    return Keyring(INTAKE, file, trust().copy())


async def test_what_is_known_is_read_with_its_version_and_signature() -> None:
    driver = Driver([rows()])
    known = await known_of(driver, INCIDENT, after=4, limit=9)
    assert [(one.recorded.version, one.signature) for one in known] == [
        (at, record.signature) for at, record in enumerate(SAID, 1)
    ]
    assert [one.recorded.event for one in known] == [read(record.value) for record in SAID]
    assert driver.asked[0].args == (INCIDENT, 4, 9)


async def test_a_row_that_cannot_be_read_is_loud() -> None:
    spoilt = [{**rows()[0], "envelope": b"{"}]
    with pytest.raises(MalformedEnvelope):
        await known_of(Driver([spoilt]), INCIDENT)


async def test_a_free_key_has_said_nothing_and_asks_no_further() -> None:
    driver = Driver([None])
    assert await said_under(driver, INTAKE, KEY) == ()
    assert [asked.args for asked in driver.asked] == [("u-1 k",)]


async def test_a_key_of_another_request_is_refused_before_anything_is_shown() -> None:
    taken = {"digest": b"another", "partition": 3, "sequence": 7, "events": 2}
    driver = Driver([taken, rows()])
    with pytest.raises(IdempotencyMismatch) as refused:
        await said_under(driver, INTAKE, KEY)
    assert refused.value.key == "u-1 k"
    assert len(driver.asked) == 1


async def test_a_taken_key_gives_what_was_said_under_it() -> None:
    taken = {"digest": b"digest", "partition": 3, "sequence": 7, "events": 3}
    driver = Driver([taken, rows()])
    said = await said_under(driver, INTAKE, KEY)
    assert [one.recorded.event.link.sequence for one in said] == [1, 2, 3]
    assert driver.asked[1].args == ("intake", 3, 7, 3)


async def test_heads_of_incidents_are_those_that_are_known() -> None:
    driver = Driver([[{"subject_id": INCIDENT, "version": 4, "said_hash": b"h" * 32}]])
    found = await tables.subject_heads(driver, [INCIDENT, UUID(int=1)])
    assert found == {INCIDENT: SubjectHead(4, b"h" * 32)}
    assert driver.asked[0].args == ([INCIDENT, UUID(int=1)],)


async def test_keys_are_asked_for_only_when_there_are_any() -> None:
    driver = Driver([[{"key": "a", "digest": b"x"}]])
    assert await tables.taken_keys(driver, []) == {}
    assert driver.asked == []
    assert await tables.taken_keys(driver, ["a", "b"]) == {"a": b"x"}


def test_heads_are_by_partition() -> None:
    assert tables.heads_of(chain_rows()) == HEADS


@pytest.mark.parametrize(
    ("services", "partitions", "args"),
    [
        (tuple(ServiceName), range(PARTITIONS), ([s.value for s in ServiceName], [*range(8)])),
        ((INTAKE,), {3}, (["intake"], [3])),
    ],
)
async def test_chains_are_locked_in_one_order(services: Any, partitions: Any, args: Any) -> None:
    driver = Driver()
    await tables.lock_chains(driver, services=services, partitions=partitions)
    assert driver.asked[0].args == args
    assert driver.asked[0].sql.endswith("ORDER BY service, partition FOR UPDATE")


async def test_changes_of_key_are_read_only_where_they_are_news() -> None:
    known = trust().copy()
    driver = Driver([[{"envelope": rotating(2, rotates_at=2)[1].value}]])
    await tables.learn_rotations(driver, known, chain_rows())
    assert driver.asked == []
    await tables.learn_rotations(driver, known, chain_rows(rotated=2))
    assert driver.asked[0].args == (["intake"], [3])
    assert known.in_force(INTAKE, 3, 3) == NEW.verifier
    await tables.learn_rotations(driver, known, chain_rows(rotated=2))
    assert len(driver.asked) == 1, "learned once"


async def test_only_a_change_of_key_is_marked_on_its_chain() -> None:
    driver = Driver()
    events = [read(record.value) for record in rotating(3, rotates_at=2)]
    await tables.mark_rotations(driver, events)
    assert [asked.args for asked in driver.asked] == [("intake", 3, 2)]


@pytest.mark.parametrize(("answer", "written"), [(True, True), (False, False), (None, False)])
async def test_a_turn_is_written_in_columns(answer: bool | None, written: bool) -> None:
    proposals = [proposal(1, events=2, key=KEY), proposal(2), proposal(3, events=0)]
    turn = plan(proposals, HEADS, {}, {}, SPEAKER)
    accepted = [
        (one, verdict)
        for one, verdict in zip(proposals, turn.verdicts, strict=True)
        if isinstance(verdict, tuple)
    ]
    driver = Driver([answer])
    assert await tables.say_next(driver, turn, HEADS, accepted) is written
    (asked,) = driver.asked
    assert asked.sql.count("$") == len(asked.args) == 23
    chains, events, keys = asked.args[:5], asked.args[5:14], asked.args[14:20]
    digests, of_events, texts = asked.args[20:]
    assert {len(column) for column in chains} == {len(turn.heads)}
    assert {len(column) for column in events} == {3}
    first = turn.rows[0].recorded.event
    assert [column[0] for column in keys] == [
        KEY.key,
        KEY.digest,
        first.subject_id,
        first.link.partition,
        first.link.sequence,
        2,
    ]
    told = [(one, row.recorded.event.id) for row in turn.rows for one in row.disclosures]
    assert [one for one, _ in told] == list(map(Disclosure, digests, texts))
    assert of_events == [event_id for _, event_id in told]
    assert len(told) == 3, "one text an event"
    before = [HEADS[partition].sequence for partition in turn.heads]
    assert (chains[1], events[2]) == (before, [row.recorded.event.id for row in turn.rows])


async def test_a_checkpoint_states_all_chains_and_verifies(tmp_path: Any) -> None:
    note = await chain_checkpoint(Driver([chain_rows()]), keyring(tmp_path), NOW)
    stated = open_statement(note, trust())
    assert stated == ChainHeads(INTAKE, NOW, tuple(HEADS[n] for n in range(PARTITIONS)))


async def test_chains_between_two_keys_have_no_common_word(tmp_path: Any) -> None:
    keys = keyring(tmp_path, signer(INTAKE).skey, NEW.skey)
    driver = Driver([chain_rows(rotated=2), [{"envelope": rotating(2, rotates_at=2)[1].value}]])
    with pytest.raises(KeysDiffer, match="the chains of intake are signed with 2 different keys"):
        await chain_checkpoint(driver, keys, NOW)


@pytest.mark.parametrize(
    ("said", "said_hash", "last"), [(0, None, ZERO_HASH), (5, b"h" * 32, b"h" * 32)]
)
async def test_a_word_on_an_incident_says_so_also_when_it_is_nothing(
    tmp_path: Any, said: int, said_hash: bytes | None, last: bytes
) -> None:
    row = {**chain_rows()[3], "said": said, "said_hash": said_hash}
    driver = Driver([row])
    note = await subject_head(driver, keyring(tmp_path), INCIDENT, NOW)
    stated = open_statement(note, trust())
    assert stated == SubjectStatement(INTAKE, INCIDENT, NOW, said, last, Head(30, b"\3" * 32))
    assert driver.asked[0].args == ("intake", INCIDENT, 3)


def test_the_table_takes_the_lengths_that_signatures_have_and_no_other() -> None:
    sql = (Path(tables.__file__).parents[1] / "migrations/0001_ledger.sql").read_text("utf-8")
    (lengths,) = re.findall(r"octet_length\(signature\) IN \(([0-9, ]+)\)", sql)
    assert tuple(map(int, lengths.split(", "))) == LENGTHS
