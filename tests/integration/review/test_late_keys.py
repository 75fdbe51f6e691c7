"""Keys that change, come late, or are stolen, on a real Kafka, Postgres and folder; and messages
that take another's offset."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.local.keys import Keys
from shared.audit.order import OrderCheck
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import read
from shared.contract.hashing import event_hash
from shared.contract.topics import PARTITIONS, partition_of, system_subject
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Record
from shared.runtime.process import clock
from shared.seal.term import Sealing
from shared.tlog.note import Signer, generate_key
from tests.integration.conftest import Databases, Environment
from tests.integration.review.chains import Voice
from tests.integration.review.seals import Desk, Reader, opened, put, sealing, until
from tests.integration.review.test_healing import REPORTED, audit, verify
from tests.integration.runtime.processes import process
from tests.integration.runtime.test_disaster import lose_topic
from tests.integration.runtime.test_rotation import forge, key_file, rotate

INTAKE = ServiceName.INTAKE


@pytest.fixture
def environment(environment: Environment, tmp_path: Path) -> Environment:
    """With keys of this test's own: it changes them."""
    keys = Keys.of(tmp_path / "own")
    keys.make()
    return replace(environment, keys=keys)


@contextlib.asynccontextmanager
async def another(environment: Environment, folder: Path) -> AsyncIterator[Environment]:
    """The same topic, and nothing else that is known."""
    databases = Databases(environment.databases.admin_dsn)
    try:
        yield replace(environment, databases=databases, folder=folder)
    finally:
        databases.drop()


def reader_of(desk: Desk) -> Reader:
    return Reader(desk.folder, desk.vkey)


async def parks(desk: Desk, *reasons: str) -> bool:
    rows = await desk.query("SELECT reason FROM log_parked ORDER BY parked_id")
    return [row["reason"] for row in rows] == list(reasons)


async def test_a_change_of_key_is_sealed_live_and_by_who_comes_later_and_the_old_key_counts_no_more(
    environment: Environment, tmp_path: Path
) -> None:
    old = Signer.parse(key_file(environment).read_text().strip())
    new = Signer.parse(generate_key("incident-ledger/intake")[0])
    incident = clock.new_id()
    async with process(environment, INTAKE, parts=["writer", "relay"]) as intake:
        async with opened(environment) as desk, sealing(desk.sealer()):
            reader = reader_of(desk)
            for _ in range(3):
                await intake.say(REPORTED, incident)
            await until(lambda: reader.size() == 3, "the old key's are sealed")
            key_file(environment).write_text(f"{old.skey}\n{new.skey}\n")
            await rotate(intake)
            await until(lambda: reader.size() == 3 + PARTITIONS, "the change is sealed")
            await forge(environment, intake, old, incident)
            await until(
                lambda: parks(desk, "untrusted"), "what the old key signed afterwards is parked"
            )
            for _ in range(3):
                await intake.say(REPORTED, incident)
            await until(lambda: reader.size() == 6 + PARTITIONS, "the new key's are sealed")
            live = reader.leaves()
            assert audit(environment, desk).findings == []
        async with (
            another(environment, tmp_path / "later") as later,
            opened(later) as desk,
            sealing(desk.sealer()),
        ):
            reader = reader_of(desk)
            await until(lambda: reader.size() == 6 + PARTITIONS, "all is sealed again")
            again = reader.leaves()
            assert await parks(desk, "untrusted")
            assert audit(later, desk).findings == []
        said = {row["envelope"] for row in await intake.rows()}
    assert set(live) == set(again) == said
    number = partition_of(incident)
    chains = [
        [leaf for leaf in leaves if read(leaf).link.partition == number] for leaves in (live, again)
    ]
    assert chains[0] == chains[1]
    assert [read(leaf).keyid for leaf in chains[0]] == [old.key_id.hex()] * 4 + [
        new.key_id.hex()
    ] * 3


def turned(voice: Voice) -> tuple[list[Record], list[Record]]:
    """Two events, the change of key, and three that the new key signs: up to the change, and after
    it."""
    new = Signer.parse(generate_key(f"incident-ledger/{voice.service}")[0])
    before = [*voice.say(2), *voice.say(1, KeyRotated(vkey=new.vkey))]
    voice.signer = new
    return before, voice.say(3)


def system_voice(keys: Keys) -> Voice:
    """Intake, of the record itself: only there a change of key may be said."""
    voice = Voice(keys)
    voice.incident = system_subject(voice.partition)
    return voice


@pytest.mark.parametrize("dies", [False, True], ids=["goes on", "dies in between"])
async def test_what_comes_before_its_key_is_sealed_behind_it(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, dies: bool
) -> None:
    before, after = turned(system_voice(environment.keys))
    whole, left = Sealing.take_up, [2]

    async def take_up(sealing: Any) -> None:
        left[0] -= 1
        if dies and left[0] == 0:
            raise ConnectionError("killed when the change of key was sealed")
        await whole(sealing)

    monkeypatch.setattr(Sealing, "take_up", take_up)
    async with opened(environment) as desk, sealing(desk.sealer()):
        reader = reader_of(desk)
        await put(environment, [*after, *before[:1]])
        await until(lambda: reader.size() >= 1, "the first is sealed")
        await until(lambda: parks(desk, *["untrusted"] * 3), "what nobody trusts is parked")
        await put(environment, before[1:])
        await until(lambda: sealed(reader, [*before, *after]), "all are sealed in their order")
        assert left[0] <= 0
        assert (await desk.running.readiness())["log"]["parked"] == 0


def sealed(reader: Reader, records: list[Record]) -> bool:
    """In this order; review's own words on what is parked are others'."""
    wanted = [record.value for record in records]
    return [leaf for leaf in reader.leaves() if leaf in wanted] == wanted


async def test_what_is_not_in_the_trust_file_yet_is_sealed_after_a_restart(
    environment: Environment,
) -> None:
    voice = Voice(environment.keys)
    one, two, three, four, five = voice.say(5)
    trust_file = environment.keys.trust_file
    whole = trust_file.read_text()
    without = "".join(line for line in whole.splitlines(True) if "intake" not in line)
    async with opened(environment) as desk, sealing(desk.sealer()):
        await put(environment, [one, three])
        await until(lambda: waiting(desk, 1), "the third waits")
    trust_file.write_text(without)
    async with opened(environment) as desk, sealing(desk.sealer()):
        await put(environment, [two, five])
        await until(
            lambda: parks(desk, *["untrusted"] * 3), "none is trusted, not even the one that waited"
        )
        assert await waiting(desk, 0)
    trust_file.write_text(whole)
    async with opened(environment) as desk, sealing(desk.sealer()):
        reader = reader_of(desk)
        await until(
            lambda: sealed(reader, [one, two, three]),
            "what has no hole before it is sealed, though nothing arrives",
        )
        await until(lambda: waiting(desk, 1), "the fifth waits")
        await put(environment, [four])
        await until(lambda: sealed(reader, [one, two, three, four, five]), "all are sealed")


async def test_what_is_sealed_late_for_want_of_its_key_is_no_finding_against_the_order_of_the_topic(
    environment: Environment,
) -> None:
    (one,), (two,) = (
        Voice(environment.keys).say(1),
        Voice(environment.keys, ServiceName.TRIAGE).say(1),
    )
    trust_file = environment.keys.trust_file
    whole = trust_file.read_text()
    trust_file.write_text("".join(line for line in whole.splitlines(True) if "intake" not in line))
    async with process(environment, ServiceName.REVIEW, parts=["writer", "relay"]):
        async with opened(environment) as desk, sealing(desk.sealer()):
            reader = reader_of(desk)
            await put(environment, [one, two])
            await until(
                lambda: reader.size() == 2,
                "the second is sealed, and review's word that one is parked",
            )
        trust_file.write_text(whole)
        async with opened(environment) as desk, sealing(desk.sealer()):
            await until(lambda: reader.size() == 3, "the first is sealed now that its key is known")
    assert reader.leaves()[-1] == one.value
    verification = await verify(environment)
    order = verification.topic.order()[one.partition]
    assert order[:2] == [event_hash(one.value), event_hash(two.value)]
    assert audit(environment, desk, OrderCheck({one.partition: order})).findings == []


async def waiting(desk: Desk, count: int) -> bool:
    return len(await desk.query("SELECT FROM log_waiting")) == count


async def test_another_message_at_an_offset_is_another_message(environment: Environment) -> None:
    """The topic is lost and begins again: its offsets are given a second time."""
    one, two, three, four = Voice(environment.keys).say(4)
    nonsense = [replace(one, value=b"nonsense %d" % number, headers=()) for number in range(4)]
    async with opened(environment) as desk:
        async with sealing(desk.sealer()):
            await put(environment, [three, *nonsense[:2]])
            await until(lambda: parks(desk, "malformed", "malformed"), "nonsense is parked")
        await lose_topic(environment)
        async with sealing(desk.sealer()):
            await put(environment, [four, nonsense[2]])
            await until(
                lambda: parks(desk, *["malformed"] * 3),
                "other nonsense at the same offset is parked beside it",
            )
            assert await waiting(desk, 2)
        async with sealing(desk.sealer()):
            reader = reader_of(desk)
            await put(environment, [one, two])
            await until(
                lambda: sealed(reader, [one, two, three, four]),
                "both that waited at one offset are sealed",
            )
