"""A minute of the campaign; that its check would find what was not so; that links, disk and
schedule do what they say."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos import campaign, faults
from tests.chaos.__main__ import remove
from tests.chaos.campaign import Campaign, Plan
from tests.chaos.disk import Disk
from tests.chaos.faults import Kind
from tests.chaos.proxy import Link
from tests.integration.servers import free_base
from tests.simulation.checking import History, Outcome, check

MINUTE = 1.0


@pytest.fixture(scope="module")
async def done(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Campaign]:
    folder = tmp_path_factory.mktemp("campaign") / "chaos"
    done = await campaign.run(
        Plan(seed=7, minutes=MINUTE, pace=60, folder=folder, port_base=free_base()), print
    )
    yield done
    if done.clean:
        remove(folder)


@pytest.mark.timeout(420)
async def test_a_minute_of_faults_loses_and_doubles_nothing(done: Campaign) -> None:
    assert [line for _, _, found in done.checks for line in found] == [], (
        f"kept: {campaign.keep(done)}"
    )
    disk = any(befallen.fault.kind is Kind.FULL for befallen in done.befallen)
    assert len(done.befallen) == len(faults.schedule(7, 60 * MINUTE, disk=disk))
    assert done.record.count(Outcome.ACCEPTED) > 300
    assert done.record.count(Outcome.REFUSED) > 10


async def test_the_check_of_that_minute_would_have_found_what_was_not_so(done: Campaign) -> None:
    assert done.read is not None
    assert done.read.sealed is not None
    accepted = next(answer for answer in done.read.answers if answer.outcome is Outcome.ACCEPTED)
    never = replace(accepted, command="chaos-9999999", events=())
    turned_down = replace(accepted, outcome=Outcome.REFUSED, events=())
    assert "lost" in _found(replace(done.read, answers=[never]))
    assert "phantom" in _found(replace(done.read, answers=[turned_down]))
    assert "lost" in _found(replace(done.read, answers=[], sealed=done.read.sealed[:-1]))
    texts = done.read.texts
    assert texts is not None
    assert texts.erased
    for place, held in texts.held.items():
        for other, name in (({*held, *texts.erased}, "resurrected"), (set(), "lost")):
            changed = replace(texts, held={**texts.held, place: other})
            assert name in _found(replace(done.read, answers=[], texts=changed))
    assert len(done.shown) > 1
    assert "fork" in _found(replace(done.read, answers=[], sealed=done.read.sealed[1:]))
    said = done.read.ledgers["intake"]
    assert {"lost", "phantom", "hole"} <= _found(
        replace(done.read, ledgers={**done.read.ledgers, "intake": said[1:]})
    )


def _found(read: History) -> set[str]:
    return {anomaly.name for anomaly in check(read)}


def test_a_seed_repeats_its_faults_and_a_longer_campaign_begins_with_them() -> None:
    shorter, longer = (faults.schedule(7, seconds, disk=True) for seconds in (60, 600))
    assert shorter == longer[: len(shorter)] != faults.schedule(8, 60, disk=True)


def test_ten_minutes_befall_everything() -> None:
    done = {(fault.kind, fault.on) for fault in faults.schedule(7, 600, disk=True)}
    assert done == set(faults.deck(disk=True))


async def test_a_link_resets_swallows_answers_and_heals() -> None:
    asked: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            asked.append(data)
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    link = Link("test", server.sockets[0].getsockname()[1])
    await link.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"one")
    assert await asyncio.wait_for(reader.readexactly(3), 5) == b"one"
    link.stall(requests=False)
    writer.write(b"two")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readexactly(3), 0.3)
    assert asked == [b"one", b"two"]
    link.cut()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.readexactly(3), 5)
    link.heal()
    link.refusing = True
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(3), 5)
    link.stop()
    server.close()


def test_a_full_disk_takes_nothing_and_an_emptied_one_does(tmp_path: Path) -> None:
    if (disk := Disk.mounted(tmp_path / "disk")) is None:
        return  # not ours to mount; the campaign says so too
    try:
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            (disk.folder / "tile").write_bytes(b"x" * 10)
        disk.empty()
        assert (disk.folder / "tile").write_bytes(b"x" * 10) == 10
    finally:
        disk.unmount()
