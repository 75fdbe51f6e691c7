"""Rows about the sealed log: sealing, checking it, and proving one leaf of it."""

import asyncio
import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final

from shared.audit.anchors import Anchors
from shared.audit.files import Folder
from shared.audit.log import audit_log
from shared.audit.outcome import Options
from shared.chain.trust import Trust
from shared.contract.envelope import Event, read
from shared.contract.hashing import event_hash
from shared.contract.topics import PARTITIONS
from shared.runtime.hear.judge import Record
from shared.runtime.process.keyfiles import load_trust
from shared.seal.growth import Tree, grow
from shared.seal.stores import open_store
from shared.seal.term import Pace
from shared.tlog.bundles import decode_bundle
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.merkle import Frontier, leaf_hash, root_of, verify_inclusion
from shared.tlog.note import Signer
from shared.tlog.tile_proofs import inclusion_from_tiles, root_from_tiles
from shared.tlog.tiles import HEIGHT, WIDTH, bundles_of_growth
from tests.bench.appends import REPORTED, TOGETHER
from tests.bench.measure import Sides
from tests.bench.world import World
from tests.integration.conftest import Databases, Environment
from tests.integration.review.chains import Voice
from tests.integration.review.seals import Reader, opened, put, sealing, until

LOG: Final = Signer("incident-ledger/log", bytes([9]) * 32)
MOST: Final = 10**9
"""Leaves of the log of which one is proved."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log in a folder, as the sealer would have left it."""

    folder: Path
    size: int
    anchors: Anchors

    def verify(self) -> None:
        """What `ledger verify FOLDER` does about how events are linked and sealed."""
        audit = audit_log(Folder(self.folder), self.anchors, Options(rules=None), lambda *_: None)
        assert audit.checkpoint is not None
        assert (audit.checkpoint.size, audit.findings) == (self.size, [])

    def only_hash(self) -> None:
        """What every checker of such a folder has to do at least: read it, hash each leaf, and each
        node above."""
        sha256, frontier = hashlib.sha256, Frontier()
        for bundle in bundles_of_growth(0, self.size):
            entries = decode_bundle((self.folder / bundle.path).read_bytes(), bundle.width)
            frontier.extend([sha256(b"\x00" + entry).digest() for entry in entries])
        assert frontier.size == self.size


def made(world: World, folder: Path, size: int) -> Log:
    voices = [Voice(world.keys, partition=number) for number in range(PARTITIONS)]
    said = list(
        chain.from_iterable(
            voice.say(TOGETHER, REPORTED)
            for _ in range(max(1, size // PARTITIONS // TOGETHER))
            for voice in voices
        )
    )
    entries = [record.value for record in said]
    grown = grow(
        Tree(), entries, [record.signature for record in said], list(map(event_hash, entries))
    )
    for path, data in grown.files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    sealed = grown.tree.sealed
    (folder / "checkpoint").write_bytes(
        sign_checkpoint(Checkpoint(LOG.name, sealed.size, sealed.root), LOG)
    )
    return Log(folder, sealed.size, Anchors(LOG.verifier, load_trust(world.keys.trust_file)))


@contextlib.asynccontextmanager
async def verify_and_hashing(world: World) -> AsyncIterator[Sides]:
    with tempfile.TemporaryDirectory() as folder:
        log = await asyncio.to_thread(made, world, Path(folder), world.count(100_000))
        yield Sides(lambda: a_core(log.verify, log.size), lambda: a_core(log.only_hash, log.size))


@contextlib.asynccontextmanager
async def proof(world: World) -> AsyncIterator[Sides]:
    """Of any leaf of a log of 10^9, out of a few tiles: bytes of the longest of so many."""
    tiles = Endless()
    root = root_from_tiles(MOST, tiles.read)

    async def longest() -> float:
        step = MOST // world.count(500)
        proofs = [inclusion_from_tiles(index, MOST, tiles.read) for index in range(0, MOST, step)]
        assert all(
            verify_inclusion(index, MOST, tiles.hashes[0], hashes, root)
            for index, hashes in zip(range(0, MOST, step), proofs, strict=True)
        )
        return float(max(len(b"".join(hashes)) for hashes in proofs))

    yield Sides(longest)


class Endless:
    """A log of any size whose leaves are all the same, so that every tile of a level is: as large
    as one likes, and nowhere stored."""

    def __init__(self) -> None:
        self.leaf = b"the same"
        self.hashes = [leaf_hash(self.leaf)]
        while len(self.hashes) * HEIGHT < 64:
            self.hashes.append(root_of([self.hashes[-1]] * WIDTH))

    def read(self, level: int, _index: int, width: int) -> bytes:
        return self.hashes[level] * width


@contextlib.asynccontextmanager
async def seal_and_signatures(world: World) -> AsyncIterator[Sides]:
    """From the topic to a published checkpoint, and only the checking of the signatures in it, on
    every core."""
    async with world.ground() as ground:
        voices = [Voice(world.keys, partition=number) for number in range(PARTITIONS)]
        turns = max(1, world.count(32_000) // PARTITIONS // TOGETHER)
        said = [
            record
            for voice in voices
            for _ in range(turns)
            for record in voice.say(TOGETHER, REPORTED)
        ]
        await put(ground, said)

        async def ours() -> float:
            databases = Databases(ground.databases.admin_dsn)
            try:
                return await _seal_all(replace(ground, databases=databases), len(said))
            finally:
                databases.drop()

        yield Sides(ours, lambda: check_signatures(world, said))


async def _seal_all(ground: Environment, count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        async with opened(ground) as desk:
            reader = Reader(Path(folder), desk.vkey)
            start = time.perf_counter()
            async with sealing(desk.sealer(pace=Pace(every=0.2), store=open_store(folder))):
                await until(lambda: reader.size() == count, "all is sealed", within=300)
            return count / (time.perf_counter() - start)


async def check_signatures(world: World, said: Sequence[Record]) -> float:
    """Events a second whose signatures all cores check, one a turn, and do nothing else."""
    events = [(read(record.value), record.signature) for record in said]
    trusted = Trust(load_trust(world.keys.trust_file).keys)
    cores = os.cpu_count() or 1

    def check(share: Sequence[tuple[Event, bytes]]) -> None:
        assert all(trusted.refusal(*one) is None for one in share)

    start = time.perf_counter()
    share = -(-len(events) // cores)
    await asyncio.gather(
        *(asyncio.to_thread(check, events[at : at + share]) for at in range(0, len(events), share))
    )
    return len(said) / (time.perf_counter() - start)


async def a_core(work: Callable[[], None], count: int) -> float:
    """Events a second of this process's own time."""
    start = time.process_time()
    work()
    return count / (time.process_time() - start)
