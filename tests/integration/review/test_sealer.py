"""The sealer on a real Kafka, Postgres and folder: each event a leaf, in order, once, whatever
comes in between."""

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from deploy.local.keys import Keys
from shared.contract.catalogue.system import ChainHoleRecorded, MessageParkedRecorded
from shared.contract.envelope import read
from shared.contract.hashing import event_hash
from shared.contract.topics import PARTITIONS, system_subject
from shared.contract.vocabulary import ServiceName
from shared.seal import adopting
from shared.seal.folder import Folder
from shared.seal.growth import LogRefused
from shared.seal.state import LogState
from shared.seal.store import LogStore
from shared.tlog.merkle import Frontier
from tests.integration.conftest import Databases, Environment
from tests.integration.review.chains import Voice
from tests.integration.review.seals import (
    FAST,
    Desk,
    Reader,
    interleaved,
    opened,
    put,
    sealing,
    until,
)


def reader_of(desk: Desk) -> Reader:
    return Reader(desk.folder, desk.vkey)


async def test_every_event_becomes_a_leaf_in_the_order_of_its_partition(
    environment: Environment, keys: Keys
) -> None:
    chains = [
        Voice(keys, service, number).say(20)
        for service in ServiceName
        for number in range(PARTITIONS)
    ]
    async with opened(environment) as desk, sealing(desk.sealer()):
        reader = reader_of(desk)
        await until(lambda: reader.size() == 0, "the empty log is published")
        await put(environment, interleaved(chains))
        await until(lambda: reader.size() == 640, "all are sealed")
        leaves = reader.leaves()
        for chain in chains:
            wanted = [record.value for record in chain]
            assert [leaf for leaf in leaves if leaf in set(wanted)] == wanted
        rows = await desk.query("SELECT leaf FROM log_leaf ORDER BY leaf")
        assert [row["leaf"] for row in rows] == list(range(640))


async def test_copies_are_dropped(environment: Environment, keys: Keys) -> None:
    said = Voice(keys).say(3)
    async with opened(environment) as desk, sealing(desk.sealer()):
        reader = reader_of(desk)
        await put(environment, [*said, *said])
        await until(lambda: reader.size() == 3, "all are sealed")
        await put(environment, said)
        await until(lambda: _offset(desk), "the copies are read")
        assert reader.leaves() == [record.value for record in said]


async def _offset(desk: Desk, wanted: int = 9) -> bool:
    rows = await desk.query("SELECT max(next_offset) AS offset FROM log_offset")
    return bool(rows[0]["offset"] == wanted)


async def test_a_hole_holds_its_chain_back_and_no_other(
    environment: Environment, keys: Keys
) -> None:
    first, second, third = Voice(keys).say(3)
    others = Voice(keys, ServiceName.TRIAGE).say(4)
    async with opened(environment) as desk, sealing(desk.sealer()):
        reader = reader_of(desk)
        await put(environment, [first, third, *others])
        await until(lambda: reader.size() == 5, "the rest is sealed")
        shown = (await desk.running.readiness())["log"]
        assert [(hole["chain"], hole["missing"], hole["recorded"]) for hole in shown["holes"]] == [
            ("intake/3", 2, False)
        ]
        assert shown["waiting"] == 1
        await put(environment, [second])
        await until(lambda: reader.size() == 7, "the hole is filled")
        assert reader.leaves()[-2:] == [second.value, third.value]
        shown = (await desk.running.readiness())["log"]
        assert (shown["holes"], shown["waiting"]) == ([], 0)


async def test_what_waits_outlives_a_restart(environment: Environment, keys: Keys) -> None:
    first, second, third = Voice(keys).say(3)
    async with opened(environment) as desk:
        reader = reader_of(desk)
        async with sealing(desk.sealer()):
            await put(environment, [first, third])
            await until(lambda: _waiting(desk, 1), "the third waits")
        async with sealing(desk.sealer()):
            await put(environment, [second])
            await until(lambda: reader.size() == 3, "all are sealed")
        assert reader.leaves() == [record.value for record in (first, second, third)]


async def _waiting(desk: Desk, count: int) -> bool:
    return len(await desk.query("SELECT FROM log_waiting")) == count


async def test_a_hole_is_recorded_once_after_its_deadline(
    environment: Environment, keys: Keys
) -> None:
    first, _, third = Voice(keys).say(3)
    pace = dataclasses.replace(FAST, hole_after=0.2)
    async with opened(environment) as desk:
        for _ in range(2):
            async with sealing(desk.sealer(pace=pace)):
                await put(environment, [first, third])
                await until(lambda: _recorded(desk, 1), "the hole is recorded")
        (row,) = await desk.query("SELECT * FROM ledger WHERE subject_id = $1", system_subject(3))
        said = read(row["envelope"]).data
        assert isinstance(said, ChainHoleRecorded)
        assert (said.chain, said.missing) == (ServiceName.INTAKE, 2)
        assert (row["service"], row["partition"]) == ("review", 3)
        assert await desk.query("SELECT FROM review") == []


async def _recorded(desk: Desk, count: int) -> bool:
    return len(await desk.query("SELECT FROM ledger WHERE service = 'review'")) == count


async def test_what_is_parked_is_recorded_once_with_its_reason(
    environment: Environment, keys: Keys
) -> None:
    (said,) = Voice(keys).say(1)
    unsigned = dataclasses.replace(said, headers=())
    nonsense = dataclasses.replace(said, value=b"nonsense", headers=())
    async with opened(environment) as desk:
        for recorded in (2, 4):
            async with sealing(desk.sealer()):
                await put(environment, [unsigned, nonsense, said])
                await until(
                    lambda wanted=recorded: _recorded(desk, wanted),
                    "all that is parked is recorded",
                )
        rows = await desk.query("SELECT envelope FROM ledger ORDER BY position")
        found = [read(row["envelope"]).data for row in rows]
        assert all(isinstance(data, MessageParkedRecorded) for data in found)
        reasons = [
            (data.offset, data.reason) for data in found if isinstance(data, MessageParkedRecorded)
        ]
        assert reasons == [(0, "untrusted"), (1, "malformed"), (3, "untrusted"), (4, "malformed")]


class Breaking:
    """A store whose nth write fails, before or after it has happened."""

    def __init__(self, store: LogStore, at: int, after: bool) -> None:
        self._store, self._left, self._after = store, at, after
        self.broke = False

    async def read(self, path: str) -> bytes | None:
        return await self._store.read(path)

    async def write(self, files: Sequence[tuple[str, bytes]]) -> None:
        for one in files:
            if self._now():
                if self._after:
                    await self._store.write([one])
                raise OSError("the disk is gone")
            await self._store.write([one])

    async def replace(self, path: str, old: bytes | None, new: bytes) -> None:
        broken = self._now()
        if not broken or self._after:
            await self._store.replace(path, old, new)
        if broken:
            raise OSError("the disk is gone")

    async def discard(self, folder: str) -> None:
        if self._now():
            raise OSError("the disk is gone")
        await self._store.discard(folder)

    def _now(self) -> bool:
        self._left -= 1
        self.broke = self.broke or self._left == 0
        return self._left == 0


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_any_one_write_that_fails_leaves_the_same_log(
    environment: Environment, keys: Keys, after: bool
) -> None:
    voice = Voice(keys)
    wanted: list[bytes] = []
    async with opened(environment) as desk:
        reader = reader_of(desk)
        seen: list[tuple[int, bytes]] = []
        for at in range(1, 40):
            said = voice.say(300)
            wanted += [record.value for record in said]
            store = Breaking(Folder(desk.folder), at, after)
            async with sealing(desk.sealer(store=store)):
                await put(environment, said)
                await until(
                    lambda: reader.size() == voice.said, f"all are sealed in spite of write {at}"
                )
            checkpoint = reader.checkpoint()
            assert checkpoint is not None
            seen.append((checkpoint.size, checkpoint.root))
            if not store.broke:
                break
        assert (
            at > 8
        )  # the last time none was left to fail: seven files at least, and the checkpoint
        assert reader.leaves() == wanted
        _all_of_one_log(wanted, seen)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["decide", "published"])
async def test_a_transaction_that_fails_once_leaves_the_same_log(
    environment: Environment, keys: Keys, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    whole, left = getattr(LogState, step), [3]

    async def breaks(state: LogState, *arguments: object) -> None:
        left[0] -= 1
        if left[0] or after:
            await whole(state, *arguments)
        if not left[0]:
            raise ConnectionError(
                "the connection is gone, and nobody knows whether it was committed"
            )

    monkeypatch.setattr(LogState, step, breaks)
    voice = Voice(keys)
    said = [voice.say(100) for _ in range(5)]
    async with opened(environment) as desk, sealing(desk.sealer()):
        reader = reader_of(desk)
        for count, some in enumerate(said, 1):
            await put(environment, some)
            await until(lambda wanted=count: reader.size() == wanted * 100, "sealed")
        assert left[0] < 0
        assert reader.leaves() == [record.value for some in said for record in some]


def _all_of_one_log(leaves: Sequence[bytes], seen: Sequence[tuple[int, bytes]]) -> None:
    frontier, roots = Frontier(), {0: Frontier().root}
    for leaf in leaves:
        frontier.append(event_hash(leaf))
        roots[frontier.size] = frontier.root
    assert [root for _, root in seen] == [roots[size] for size, _ in seen]


async def test_two_sealers_make_one_log(environment: Environment, keys: Keys) -> None:
    voice = Voice(keys)
    async with opened(environment) as one, opened(environment) as other:
        reader = reader_of(one)
        async with sealing(one.sealer()) as first, sealing(other.sealer()):
            await put(environment, voice.say(50))
            await until(lambda: reader.size() == 50, "the first half is sealed")
            first.cancel()
            await put(environment, voice.say(50))
            await until(lambda: reader.size() == 100, "the other takes over")
        assert len(reader.leaves()) == 100


async def test_a_sealer_that_lost_its_lease_writes_nothing_more(
    environment: Environment, keys: Keys
) -> None:
    voice = Voice(keys)
    async with opened(environment) as desk:
        reader = reader_of(desk)
        async with sealing(desk.sealer()):
            await put(environment, voice.say(10))
            await until(lambda: reader.size() == 10, "the first ten are sealed")
            # Somebody else has taken over without the lease's knowledge: only the epoch stands
            # between them now.
            await desk.query("UPDATE log_state SET epoch = epoch + 1")
            await put(environment, voice.say(10))
            # It is fenced, begins anew as the next in line, and completes the same log.
            await until(lambda: reader.size() == 20, "the rest is sealed in a new term")
        assert len(reader.leaves()) == 20


async def test_a_database_from_an_old_backup_is_refused(
    environment: Environment, keys: Keys
) -> None:
    voice = Voice(keys)
    async with opened(environment) as desk:
        reader = reader_of(desk)
        async with sealing(desk.sealer()):
            await put(environment, voice.say(10))
            await until(lambda: _published(desk, 10), "sealed, and noted as published")
        (old,) = await desk.query(
            "SELECT size, root, published_size, published_root FROM log_state"
        )
        async with sealing(desk.sealer()):
            await put(environment, voice.say(10))
            await until(lambda: _published(desk, 20), "sealed, and noted as published")
        await desk.query(
            "UPDATE log_state SET size = $1, root = $2, published_size = $3, published_root = $4",
            *old.values(),
        )
        with pytest.raises(LogRefused, match="old backup"):
            await desk.sealer().run()
        assert reader.size() == 20


@pytest.fixture
def a_bundle_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adopting, "BUNDLES_AT_ONCE", 1)


@pytest.mark.usefixtures("a_bundle_at_a_time")
async def test_a_database_that_was_lost_takes_up_the_log_again(
    environment: Environment, keys: Keys
) -> None:
    voice = Voice(keys)
    said = voice.say(600)
    async with opened(environment) as desk, sealing(desk.sealer()):
        await put(environment, said)
        await until(lambda: _published(desk, 600), "sealed, and noted as published")
    databases = Databases(environment.databases.admin_dsn)
    try:
        async with opened(dataclasses.replace(environment, databases=databases)) as desk:
            reader = reader_of(desk)
            async with sealing(desk.sealer()):
                said += voice.say(10)
                await put(environment, said[600:])
                await until(lambda: reader.size() == 610, "it goes on behind what was published")
            assert reader.leaves() == [record.value for record in said]
            rows = await desk.query("SELECT leaf FROM log_leaf ORDER BY leaf")
            assert [row["leaf"] for row in rows] == list(range(610))
    finally:
        databases.drop()


def _changed(data: bytes) -> bytes:
    return data.replace(b"intake", b"1ntake")


def _cut(data: bytes) -> bytes:
    return data[:-1]


@pytest.mark.usefixtures("a_bundle_at_a_time")
@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("tile/entries/001.p/44", _changed),
        ("tile/entries/001.p/44", _cut),
        ("signatures/001.p/44", lambda data: data[:-64] + bytes(64)),
        ("signatures/001.p/44", _cut),
        ("signatures/001.p/44", lambda data: data[:-64]),
    ],
    ids=[
        "an entry",
        "a bundle that is cut",
        "a signature",
        "a signature that is cut",
        "a signature that is gone",
    ],
)
async def test_a_database_that_was_lost_takes_up_no_log_that_was_changed(
    environment: Environment, keys: Keys, name: str, spoil: Callable[[bytes], bytes]
) -> None:
    async with opened(environment) as desk, sealing(desk.sealer()):
        await put(environment, Voice(keys).say(300))
        await until(lambda: _published(desk, 300), "sealed, and noted as published")
    file = desk.folder / name
    file.write_bytes(spoil(file.read_bytes()))
    databases = Databases(environment.databases.admin_dsn)
    try:
        async with opened(dataclasses.replace(environment, databases=databases)) as desk:
            with pytest.raises(LogRefused):
                await desk.sealer().run()
            assert await desk.query("SELECT FROM log_leaf") == []
    finally:
        databases.drop()


async def test_a_store_from_an_old_backup_is_refused(
    environment: Environment, keys: Keys, tmp_path: Path
) -> None:
    voice = Voice(keys)
    async with opened(environment) as desk:
        async with sealing(desk.sealer()):
            await put(environment, voice.say(10))
            await until(lambda: _published(desk, 10), "sealed")
        shutil.copytree(desk.folder, tmp_path / "backup")
        async with sealing(desk.sealer()):
            await put(environment, voice.say(10))
            await until(lambda: _published(desk, 20), "sealed")
        shutil.rmtree(desk.folder)
        (tmp_path / "backup").rename(desk.folder)
        with pytest.raises(LogRefused, match="old backup"):
            await desk.sealer().run()
        shutil.rmtree(desk.folder)
        with pytest.raises(LogRefused, match="has no checkpoint"):
            await desk.sealer().run()


async def _published(desk: Desk, size: int) -> bool:
    (row,) = await desk.query("SELECT published_size FROM log_state")
    return bool(row["published_size"] == size)


async def test_a_changed_tile_at_the_edge_is_refused(environment: Environment, keys: Keys) -> None:
    async with opened(environment) as desk:
        async with sealing(desk.sealer()):
            await put(environment, Voice(keys).say(10))
            # Until that is noted, whoever begins writes the tiles again, and so mends them.
            await until(lambda: _published(desk, 10), "sealed, and noted as published")
        tile = desk.folder / "tile/0/000.p/10"
        tile.write_bytes(bytes([tile.read_bytes()[0] ^ 1]) + tile.read_bytes()[1:])
        with pytest.raises(LogRefused, match="changed"):
            await desk.sealer().run()


async def test_partial_tiles_go_when_the_full_one_is_there(
    environment: Environment, keys: Keys
) -> None:
    voice = Voice(keys)
    async with opened(environment) as desk, sealing(desk.sealer()):
        reader = reader_of(desk)
        for _ in range(3):
            await put(environment, voice.say(100))
            await until(lambda: reader.size() == voice.said, "sealed")
        gone = [
            desk.folder / name
            for name in ("tile/0/000.p", "tile/entries/000.p", "signatures/000.p")
        ]
        await until(lambda: not any(path.exists() for path in gone), "the partial tiles are gone")
        assert len(reader.leaves()) == 300


async def test_what_a_killed_sealer_left_unfinished_goes_with_the_next_one(
    environment: Environment, keys: Keys
) -> None:
    voice = Voice(keys)
    async with opened(environment) as one, opened(environment) as other:
        reader, left = reader_of(one), one.folder / ".unfinished" / "left"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"half a til")
        async with sealing(one.sealer()) as first:
            await put(environment, voice.say(3))
            await until(lambda: reader.size() == 3, "sealed")
            assert not left.exists()
            left.write_bytes(b"of the one who holds the lease")
            async with sealing(other.sealer()):
                await put(environment, voice.say(3))
                await until(lambda: reader.size() == 6, "sealed while another waits for the lease")
                assert left.exists()
                first.cancel()
                await until(lambda: not left.exists(), "the next one takes over")


async def test_an_idle_log_says_that_it_lives(environment: Environment) -> None:
    async with (
        opened(environment) as desk,
        sealing(desk.sealer(pace=dataclasses.replace(FAST, heartbeat=0.1))),
    ):

        async def noted() -> bool:
            (row,) = await desk.query("SELECT published_at FROM log_state")
            return row["published_at"] is not None

        await until(noted, "published, and noted as published")
        (before,) = await desk.query("SELECT published_at FROM log_state")

        async def beats() -> bool:
            (row,) = await desk.query("SELECT published_at FROM log_state")
            return bool(row["published_at"] > before["published_at"])

        await until(beats, "a heartbeat")
