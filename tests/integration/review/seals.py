"""A sealer on this test's database, topic and folder, what the topic is given, and what a reader of
the log finds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from services.review.__main__ import SERVICE
from services.review.settings import ReviewSettings
from shared.chain.signatures import from_file
from shared.contract.hashing import event_hash
from shared.contract.topics import CONTENT_TYPE, HEADER_CONTENT_TYPE
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Record
from shared.runtime.process.persistence import persist
from shared.runtime.running import Running
from shared.runtime.service import running
from shared.seal.sealer import Sealer
from shared.seal.store import LogStore
from shared.seal.term import Pace
from shared.tlog.bundles import decode_bundle
from shared.tlog.checkpoint import Checkpoint, open_checkpoint
from shared.tlog.merkle import root_of
from shared.tlog.note import Verifier
from shared.tlog.policy import Policy
from shared.tlog.tile_proofs import root_from_tiles
from shared.tlog.tiles import Tile, bundles_of_growth
from tests.integration.conftest import Environment

FAST = Pace(every=0.02, heartbeat=3600, hole_after=3600, witness_within=1)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a sealer of a test needs."""

    running: Running[Any, Any, Any]
    settings: ReviewSettings

    def sealer(
        self, *, pace: Pace = FAST, store: LogStore | None = None, policy: bytes | None = None
    ) -> Sealer:
        return Sealer(
            dsn=self.settings.database_dsn.get_secret_value(),
            ledger=self.running.ledger,
            trust=self.running.trust,
            kafka=self.settings.kafka(),
            topic=self.settings.topic,
            store=store or self.running.resources.store,
            signer=self.running.resources.signer,
            policy=Policy.parse(policy or self.settings.log_policy_file.read_bytes()),
            pace=pace,
        )

    @property
    def folder(self) -> Path:
        return Path(self.settings.log_store)

    @property
    def vkey(self) -> Verifier:
        return self.running.resources.signer.verifier

    async def query(self, sql: str, *args: object) -> list[asyncpg.Record]:
        return await self.running.pool.fetch(sql, *args)


@contextlib.asynccontextmanager
async def opened(environment: Environment, **settings: str) -> AsyncIterator[Desk]:
    values = {**environment.of(ServiceName.REVIEW), **settings}
    named = {name.removeprefix("LEDGER_").lower(): value for name, value in values.items()}
    chosen = ReviewSettings(
        **{name: value for name, value in named.items() if name in ReviewSettings.model_fields}
    )  # type: ignore[arg-type]
    async with running(SERVICE, chosen) as process:
        yield Desk(process, chosen)


@contextlib.asynccontextmanager
async def sealing(sealer: Sealer) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(persist("sealer", sealer.run))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def put(environment: Environment, records: Iterable[Record]) -> None:
    """On the topic, in this order."""
    producer = AIOKafkaProducer(bootstrap_servers=environment.bootstrap, acks="all", linger_ms=5)
    await producer.start()
    try:
        sent = [
            await producer.send(
                environment.topic,
                record.value,
                key=record.key,
                partition=record.partition,
                headers=[(HEADER_CONTENT_TYPE, CONTENT_TYPE.encode()), *record.headers],
            )
            for record in records
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


@dataclass(frozen=True, slots=True)
class Reader:
    """Who has nothing but the folder and the log's key."""

    folder: Path
    vkey: Verifier

    def checkpoint(self, name: str = "checkpoint") -> Checkpoint | None:
        try:
            note = (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None
        return open_checkpoint(note, [self.vkey])[0]

    def size(self) -> int:
        checkpoint = self.checkpoint()
        return checkpoint.size if checkpoint is not None else -1

    def tile(self, level: int, index: int, width: int) -> bytes:
        tile = Tile(level, index, width)
        try:
            return (self.folder / tile.path).read_bytes()
        except FileNotFoundError:
            return (self.folder / tile.full.path).read_bytes()[: width * 32]

    def leaves(self) -> list[bytes]:
        """All entries of the published tree, checked against its root, its hash tiles and its
        signature files."""
        checkpoint = self.checkpoint()
        assert checkpoint is not None
        leaves: list[bytes] = []
        for bundle in bundles_of_growth(0, checkpoint.size):
            leaves += decode_bundle((self.folder / bundle.path).read_bytes(), bundle.width)
            signatures = self.folder / bundle.path.replace("tile/entries", "signatures")
            assert len(from_file(signatures.read_bytes(), bundle.width)) == bundle.width
        assert len(leaves) == checkpoint.size
        assert root_of(map(event_hash, leaves)) == checkpoint.root
        assert root_from_tiles(checkpoint.size, self.tile) == checkpoint.root
        return leaves


async def until(true: Callable[[], Any], what: str, within: float = 30) -> None:
    try:
        async with asyncio.timeout(within):
            while True:
                found = true()
                if await found if asyncio.iscoroutine(found) else found:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {within} s: {what}") from None


def interleaved(chains: Sequence[Sequence[Record]]) -> list[Record]:
    """One of each in turn."""
    return [chain[at] for at in range(max(map(len, chains))) for chain in chains if at < len(chain)]


def spoilt(record: Record) -> Record:
    return replace(record, headers=())
