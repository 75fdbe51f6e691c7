"""A minute of the campaign, and that its own parts do what they say: a checker that nothing disturbs finds nothing."""

import asyncio
from pathlib import Path

import pytest

from tests.chaos import campaign, faults
from tests.chaos.__main__ import remove
from tests.chaos.campaign import Plan
from tests.chaos.disk import Disk
from tests.chaos.faults import Kind
from tests.chaos.proxy import Link
from tests.integration.servers import free_base
from tests.simulation.checking import Outcome

MINUTE = 1.0


@pytest.mark.timeout(420)
async def test_a_minute_of_faults_loses_and_doubles_nothing(tmp_path: Path) -> None:
    done = await campaign.run(
        Plan(seed=7, minutes=MINUTE, pace=60, folder=tmp_path / "chaos", port_base=free_base()), print
    )
    assert [line for _, _, found in done.checks for line in found] == [], f"kept: {campaign.keep(done)}"
    assert len(done.befallen) == len(
        faults.schedule(7, 60 * MINUTE, disk=any(b.fault.kind is Kind.FULL for b in done.befallen))
    )
    assert done.record.count(Outcome.ACCEPTED) > 300
    assert done.record.count(Outcome.REFUSED) > 10
    remove(done.plan.folder)


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
