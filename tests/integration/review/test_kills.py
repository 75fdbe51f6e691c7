"""kill -9 of the sealer at random, a hundred times: one log, consistent, no leaf missing or
doubled."""

import asyncio
import contextlib
import random
from collections import Counter

import pytest

from deploy.local.keys import Keys
from shared.contract.hashing import event_hash
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.tlog.merkle import Frontier
from tests.integration.conftest import Environment
from tests.integration.review.chains import Voice
from tests.integration.review.killed import Nursery
from tests.integration.review.seals import Desk, Reader, interleaved, opened, put, until

KILLS = 100
LONGEST = 0.15
"""Seconds that a sealer lives at most when it has taken over."""


@pytest.mark.timeout(600)
async def test_killed_a_hundred_times_it_is_one_log(environment: Environment, keys: Keys) -> None:
    chance = random.Random(17)
    voices = [
        Voice(keys, service, number) for service in ServiceName for number in range(PARTITIONS)
    ]
    settings = environment.of(ServiceName.REVIEW) | {"LEDGER_LOG_CHECKPOINT_EVERY": "0.01"}
    said: list[bytes] = []
    seen: dict[int, bytes] = {}
    nursery = Nursery()
    try:
        async with opened(environment) as desk:
            reader = Reader(desk.folder, desk.vkey)

            async def watch() -> None:
                while True:
                    if (checkpoint := reader.checkpoint()) is not None:
                        assert seen.setdefault(checkpoint.size, checkpoint.root) == checkpoint.root
                    await asyncio.sleep(0.005)

            watching = asyncio.create_task(watch())
            term = 0
            for _ in range(KILLS):
                records = interleaved([voice.say(chance.randrange(12)) for voice in voices])
                said += [record.value for record in records]
                before = reader.size()
                child = await asyncio.to_thread(nursery.start, settings)
                await put(environment, records)
                if chance.random() < 0.8:
                    # Most are killed while they seal, the others while they begin.
                    await until(lambda after=term: _later(desk, after), "it has taken over")
                    term = await _epoch(desk)
                if chance.random() < 0.3:
                    await until(
                        lambda before=before: reader.size() > before, "it has published something"
                    )
                await asyncio.sleep(chance.uniform(0, LONGEST))
                nursery.kill(child)
            child = await asyncio.to_thread(nursery.start, settings)
            await until(lambda: reader.size() == len(said), "all are sealed at last", within=60)
            nursery.kill(child)
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            leaves = reader.leaves()
            assert Counter(leaves) == Counter(said)
            rows = await desk.query("SELECT leaf, hash FROM log_leaf ORDER BY leaf")
            assert [row["hash"] for row in rows] == list(map(event_hash, leaves))
    finally:
        nursery.end()
    assert len(seen) > KILLS / 4
    _of_one_log(leaves, seen)


async def _epoch(desk: Desk) -> int:
    (row,) = await desk.query("SELECT epoch FROM log_state")
    return int(row["epoch"])


async def _later(desk: Desk, epoch: int) -> bool:
    return await _epoch(desk) > epoch


def _of_one_log(leaves: list[bytes], seen: dict[int, bytes]) -> None:
    frontier = Frontier()
    roots = {0: frontier.root}
    for leaf in leaves:
        frontier.append(event_hash(leaf))
        roots[frontier.size] = frontier.root
    assert {size: roots[size] for size in seen} == seen
