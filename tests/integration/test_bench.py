"""Every row of the benchmark runs, with a few events: nothing here says how fast."""

import pytest

from deploy.local.keys import Keys
from tests.bench.growth import growth
from tests.bench.log_growth import log_growth
from tests.bench.measure import Row, measure
from tests.bench.rows import ROWS
from tests.bench.world import World
from tests.integration.servers import Servers


@pytest.fixture
def world(servers: Servers, templates: str, keys: Keys) -> World:
    return World(servers, keys, scale=0.001)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_row_runs(row: Row, world: World) -> None:
    result = await measure(row, world, rounds=1, progress=lambda _: None)
    assert result.ours > 0
    assert (result.peer is not None) == (row.against is not None)
    assert set(result.as_json()) >= {"ours", "peer", "ratio", "goal", "met"}


async def test_growth_is_measured(world: World) -> None:
    grown = await growth(world, lambda _: None)
    assert [size.events for size in grown.sizes] == [20, 100, 1000]


async def test_growth_of_the_log_is_measured(world: World) -> None:
    grown = await log_growth(world, lambda _: None, sizes=(1_000_000,), read=(1_000_000,))
    assert [size.leaves for size in grown.sizes] == [1000]
    assert all(size.seal > 0 for size in grown.sizes)
    assert all(memory.verify > 0 and memory.export > 0 for memory in grown.memory)
