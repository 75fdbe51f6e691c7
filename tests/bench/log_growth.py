"""What changes as the sealed log grows: the cost of sealing, and the memory of who verifies or
exports it. Part of `--long`."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

import httpx
import psycopg

from shared.chain.signatures import to_file
from shared.contract.topics import PARTITIONS
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, examine
from shared.seal.growth import edge_tiles, signatures_path
from shared.seal.published import CHECKPOINT
from shared.seal.stores import open_store
from shared.seal.term import Sealing
from shared.tlog.bundles import encode_bundle
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.note import Signer
from shared.tlog.tile_proofs import root_from_tiles
from shared.tlog.tiles import ENTRIES
from tests.bench.appends import REPORTED
from tests.bench.sealed import LOG, Endless, made
from tests.bench.world import World
from tests.integration.conftest import Environment
from tests.integration.review.chains import Voice
from tests.integration.review.seals import opened

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
AT_ONCE = 1_000
TIMES = 11
READ = (20_000, 200_000, 600_000)
"""Leaves of the logs that are verified and exported."""


@dataclass(frozen=True, slots=True)
class Size:
    leaves: int
    seal: float
    """Milliseconds to decide on 1 000 more, write their files and publish; median."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Most that a process was resident with, in MiB."""

    leaves: int
    verify: float
    export: float


@dataclass(frozen=True, slots=True)
class LogGrowth:
    sizes: tuple[Size, ...]
    memory: tuple[Memory, ...]


async def log_growth(
    world: World,
    progress: Callable[[str], None],
    *,
    sizes: Sequence[int] = SIZES,
    read: Sequence[int] = READ,
) -> LogGrowth:
    grown = [await _at(world, leaves, progress) for leaves in map(world.count, sizes)]
    memory = [
        await asyncio.to_thread(_memory, world, leaves, progress)
        for leaves in map(world.count, read)
    ]
    return LogGrowth(tuple(grown), tuple(memory))


async def _at(world: World, leaves: int, progress: Callable[[str], None]) -> Size:
    progress(f"log growth: a log of {leaves:,} leaves")
    async with world.ground() as ground, _sealing(ground, leaves) as sealing:
        progress(f"log growth: sealing at {leaves:,} leaves")
        voices = [Voice(world.keys, partition=number) for number in range(PARTITIONS)]
        took = [await _seal(sealing, voices) for _ in range(TIMES)]
        assert sealing.tree.edge.size == leaves + TIMES * (AT_ONCE // PARTITIONS) * PARTITIONS
    return Size(leaves, 1000 * median(took))


async def _seal(sealing: Sealing, voices: list[Voice]) -> float:
    """Seconds, without the examination: that costs what it costs, whatever the size."""
    for voice in voices:
        heard = [
            examine(record, sealing.trust) for record in voice.say(AT_ONCE // PARTITIONS, REPORTED)
        ]
        assert all(isinstance(item, Heard) for item in heard)
        sealing.arrived[voice.partition] += [
            replace(item, record=replace(item.record, offset=item.event.link.sequence))
            for item in heard
            if isinstance(item, Heard)
        ]
        sealing.offsets[voice.partition] = voice.said + 1
    start = time.perf_counter()
    await sealing.seal()
    return time.perf_counter() - start


@asynccontextmanager
async def _sealing(ground: Environment, leaves: int) -> AsyncIterator[Sealing]:
    """A sealer that has taken over a log of so many leaves, all the same: in its database as many
    rows, in its store the edge."""
    root = root_from_tiles(leaves, Endless().read)
    with tempfile.TemporaryDirectory() as folder:
        for path, data in _edge(leaves, root):
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_bytes(data)
        await asyncio.to_thread(_fill, ground.databases[ServiceName.REVIEW].admin_dsn, leaves, root)
        async with opened(ground) as desk, httpx.AsyncClient() as client:
            sealer = replace(desk.sealer(store=open_store(folder)), signer=LOG)
            async with desk.running.lease("sealer") as connection:
                yield await sealer.take_over(connection, client)


def _edge(leaves: int, root: bytes) -> Iterator[tuple[str, bytes]]:
    endless, signer = Endless(), Signer(LOG.name, bytes([9]) * 32)
    for tile in edge_tiles(leaves):
        if tile.level == ENTRIES:
            yield tile.path, encode_bundle([endless.leaf] * tile.width)
            yield signatures_path(tile), to_file([bytes(64)] * tile.width)
        else:
            yield tile.path, endless.read(tile.level, tile.index, tile.width)
    yield CHECKPOINT, sign_checkpoint(Checkpoint(LOG.name, leaves, root), signer)


def _fill(dsn: str, leaves: int, root: bytes) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            """INSERT INTO log_leaf (leaf, service, partition, sequence, hash)
               SELECT number, 'review', 0, number + 1, sha256(number::text::bytea)
               FROM generate_series(0, %s - 1) AS number""",
            [leaves],
        )
        connection.execute(
            "UPDATE log_state SET size = %s, root = %s, published_size = %s, published_root = %s",
            [leaves, root] * 2,
        )
        connection.execute(
            "UPDATE log_chain SET sequence = %s WHERE service = 'review' AND partition = 0",
            [leaves],
        )


def _memory(world: World, leaves: int, progress: Callable[[str], None]) -> Memory:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        progress(f"log growth: making a log of {leaves:,} leaves to read")
        log = made(world, folder / "log", leaves)
        vkey = folder / "vkey"
        vkey.write_text(LOG.vkey + "\n", encoding="utf-8")
        keys = ("--vkey", str(vkey), "--trust", str(world.keys.trust_file))
        progress(f"log growth: verifying and exporting {leaves:,} leaves")
        verify = _most_resident(
            "verify", str(log.folder), *keys, "--links-only", "--state", str(folder / "seen")
        )
        export = _most_resident(
            "export", str(folder / "copy"), str(log.folder), "--vkey", str(vkey)
        )
    return Memory(log.size, verify, export)


MEASURED: Final = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run in a process of its own, because Linux counts to a child what its parent held when it started
it."""


def _most_resident(*arguments: str) -> float:
    """MiB of `ledger` with these arguments, which must succeed."""
    ledger = str(Path(sys.executable).with_name("ledger"))
    told = subprocess.run(
        [sys.executable, "-c", MEASURED, ledger, *arguments], stdout=subprocess.PIPE, check=True
    )
    return int(told.stdout) / 1024
