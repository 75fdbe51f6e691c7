"""The sealer: makes each event on the topic a leaf of the log, and shows the log to everybody.

`decide` decides; this module does the I/O around it, in the one order that survives a crash at any
point:

1. one transaction decides which the next leaves are, and keeps them;
2. tiles, bundles and signatures are written, all of them; the same leaves always make the same files;
3. the checkpoint is signed and replaces the one before it;
4. the database notes that it is published.

Whoever takes over begins at 2 with what is decided. Whatever fails is left to that: a sealer that
failed once is never used again."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.chain.trust import Trust
from shared.contract.catalogue.system import KeyRotated
from shared.contract.hashing import event_hash
from shared.contract.topics import PARTITIONS
from shared.runtime.hear.examining import examine_all
from shared.runtime.hear.judge import Heard, Parked
from shared.runtime.hear.messages import record_of
from shared.runtime.process import clock, telemetry
from shared.runtime.process.database import Connection
from shared.runtime.process.lease import lease
from shared.runtime.say.ledger import Ledger
from shared.seal.decide import (
    Chains,
    Grown,
    Hole,
    LogRefused,
    Sealed,
    Taken,
    Tree,
    edge_tiles,
    grow,
    may_resume,
    overdue,
    signatures_of,
    signatures_path,
    take,
    take_again,
)
from shared.seal.store import UNFINISHED, LogStore
from shared.seal.tables import LogState, by_the_sealer, recorded
from shared.seal.witnesses import Round, Witnesses
from shared.tlog.bundles import bundle_hashes, decode_bundle
from shared.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.growth import Edge
from shared.tlog.note import Signer, add_signatures, parse_note
from shared.tlog.policy import Policy
from shared.tlog.tiles import ENTRIES, WIDTH, Tile, bundles_of_growth

AT_ONCE: Final = 16_384
"""Leaves that are decided on at once; so many are sealed without waiting for the interval."""
POLL: Final = 512
"""Most messages that are read in one go."""
LOOK_EVERY: Final = 0.2
"""Seconds between two looks at what is due when nothing arrives."""

CHECKPOINT: Final = "checkpoint"
WITNESSED: Final = "witnessed"
"""The largest checkpoint that a quorum cosigned; `checkpoint` may be ahead of it."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """All in seconds."""

    every: float = 1.0
    heartbeat: float = 60.0
    hole_after: float = 60.0
    witness_within: float = 2.0


@dataclass(slots=True)
class Sealer:
    """What a sealer needs; `run` makes one that lives until something fails."""

    dsn: str
    ledger: Ledger[Any, Any]
    trust: Trust
    kafka: Mapping[str, Any]
    topic: str
    store: LogStore
    signer: Signer
    policy: Policy
    pace: Pace
    public: Mapping[str, bytes] = field(default_factory=dict)
    """Files for who checks the log: its verifier key, the trust file, the policy."""
    shown: dict[str, int] = field(default_factory=dict)
    """For metrics."""

    async def run(self) -> None:
        """Seals until cancelled or until anything fails; whoever runs it again goes on from the
        database."""
        async with (
            lease(self.dsn, "sealer") as connection,
            httpx.AsyncClient(timeout=self.pace.witness_within) as client,
        ):
            sealing = await self.take_over(connection, client)
            sealing.read_to = await sealing.state.offsets()
            await sealing.take_up()
            async with self._reading(sealing.read_to) as consumer:
                await sealing.run(consumer)

    async def take_over(self, connection: Connection, client: httpx.AsyncClient) -> "Sealing":
        """Refuses what would fork the log, and completes what was decided."""
        state = await LogState.take_over(connection)
        await self.store.discard(UNFINISHED)
        decided = await state.decided()
        note = await self.store.read(CHECKPOINT)
        shown = self._sealed_in(note)
        if shown is not None and shown.size and not decided.tree.size:
            await self._adopt(state, shown)
            decided = await state.decided()
        may_resume(decided.tree, decided.published, shown)
        for path, data in self.public.items():
            await self.show(path, data)
        tree = await self._tree(decided.published)
        trust = await state.trust(self.trust)
        witnesses = Witnesses(self.policy, self.store, self.pace.witness_within, client)
        sealing = Sealing(
            self, state, tree, await state.chains(trust, clock.now()), trust, witnesses, note
        )
        if decided.entries or note is None:
            grown = grow(
                tree, decided.entries, decided.signatures, list(map(event_hash, decided.entries))
            )
            if grown.tree.sealed != decided.tree:
                raise LogRefused(
                    "the leaves that are decided do not make the root that is decided: the database was changed"
                )
            await sealing.publish(grown)
        return sealing

    async def _adopt(self, state: LogState, shown: Sealed) -> None:
        """A database that knows of no leaf, beside a log that is published: what was lost is taken
        up from the log itself, some bundles at a time."""
        log.warning("the database was lost: taking up the log from its store", size=shown.size)
        now, trust, edge = clock.now(), self.trust, Edge()
        chains = await state.chains(trust, now)
        bundles = list(bundles_of_growth(0, shown.size))
        async with state.adopting(shown, now) as add:
            while edge.size < shown.size:
                some, bundles = bundles[: AT_ONCE // WIDTH], bundles[AT_ONCE // WIDTH :]
                read = await asyncio.gather(*map(self._bundle, some))
                entries = [entry for bundle, _ in read for entry in bundle]
                signatures = [signature for _, bundle in read for signature in bundle]
                taken = await asyncio.to_thread(take_again, entries, signatures, chains, trust, now)
                chains, trust = taken[-1].chains, taken[-1].trust
                leaves = [heard for one in taken for heard in one.leaves]
                await add(edge.size, leaves)
                edge = edge.grow([heard.event.hash for heard in leaves]).edge
                log.info("taking up the log", leaves=edge.size, of=shown.size)
            if Sealed(edge.size, edge.root) != shown:
                raise LogRefused(
                    "the leaves in the log store do not make the root that was published: the store was changed"
                )

    def _sealed_in(self, note: bytes | None) -> Sealed | None:
        if note is None:
            return None
        try:
            checkpoint, _ = open_checkpoint(note, [self.signer.verifier])
        except TlogError as error:
            raise LogRefused(
                f"the checkpoint in the log store is not of this log's key: {error}"
            ) from error
        return Sealed(checkpoint.size, checkpoint.root)

    async def show(self, path: str, data: bytes) -> None:
        if (there := await self.store.read(path)) != data:
            await self.store.replace(path, there, data)

    async def _tree(self, published: Sealed) -> Tree:
        """The right edge of what is published, out of its own partial tiles."""
        rows: dict[int, bytes] = {}
        entries: list[bytes] = []
        signatures: tuple[bytes, ...] = ()
        try:
            for tile in edge_tiles(published.size):
                if tile.level == ENTRIES:
                    entries, signatures = await self._bundle(tile)
                else:
                    rows[tile.level] = await self._read(tile.path)
            edge = Edge.load(published.size, lambda level, _index, _width: rows[level])
        except TlogError as error:
            raise LogRefused(f"the log store holds a damaged tile: {error}") from error
        if edge.root != published.root or (
            entries and tuple(bundle_hashes(entries)) != edge.rows[0]
        ):
            raise LogRefused(
                "the tiles in the log store do not make the root that was published: the store was changed"
            )
        return Tree(edge, tuple(entries), signatures)

    async def _bundle(self, tile: Tile) -> tuple[list[bytes], tuple[bytes, ...]]:
        """Its entries and their signatures."""
        try:
            entries = decode_bundle(await self._read(tile.path), tile.width)
        except TlogError as error:
            raise LogRefused(
                f"the log store holds a damaged bundle, {tile.path}: {error}"
            ) from error
        return entries, signatures_of(await self._read(signatures_path(tile)))

    async def _read(self, path: str) -> bytes:
        if (data := await self.store.read(path)) is None:
            raise LogRefused(
                f"the log store has no {path}, which was published: put the store back from a backup"
            )
        return data

    @contextlib.asynccontextmanager
    async def _reading(self, offsets: Mapping[int, int]) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            **self.kafka,
            enable_auto_commit=False,
            # Only reached when the topic has lost or renumbered messages: read all again, what is a
            # leaf is known.
            auto_offset_reset="earliest",
            max_poll_records=POLL,
            metadata_max_age_ms=10_000,
        )
        try:
            await consumer.start()
            consumer.assign([TopicPartition(self.topic, number) for number in range(PARTITIONS)])
            for partition, offset in offsets.items():
                consumer.seek(TopicPartition(self.topic, partition), offset)
            yield consumer
        finally:
            await consumer.stop()


@dataclass(slots=True)
class Sealing:
    """One term of one sealer, from taking over until something fails."""

    owner: Sealer
    state: LogState
    tree: Tree
    chains: Chains
    trust: Trust
    """With the keys that the chains themselves have named, as far as they are sealed."""
    witnesses: Witnesses
    note: bytes | None
    """The checkpoint that everybody sees."""
    arrived: dict[int, list[Heard | Parked]] = field(default_factory=lambda: defaultdict(list))
    offsets: dict[int, int] = field(default_factory=dict)
    """Where to go on once what has arrived is decided."""
    read_to: dict[int, int] = field(default_factory=dict)
    last: float = float("-inf")
    """When a checkpoint was last published, on the loop's clock."""
    looked: float = float("-inf")
    """When an idle sealer last looked whether it still is the one, on the loop's clock."""
    parked: bool = True
    """Whether something may wait to be recorded."""
    round: "asyncio.Task[Round] | None" = None
    asked: float = float("-inf")
    """When the witnesses were last asked, on the loop's clock."""
    witnessed: int = -1
    """The size that a quorum cosigned last in this term."""
    silent: int = 0

    async def run(self, consumer: AIOKafkaConsumer) -> None:
        try:
            while True:
                await self._read(consumer)
                await self._look_when_due()
                await self._seal_when_due()
                await self._record_when_due()
                await self._beat_when_due()
                await self._witness_when_due()
                self._measure(consumer)
        finally:
            if self.round is not None:
                self.round.cancel()
                await asyncio.gather(self.round, return_exceptions=True)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        batches = await consumer.getmany(timeout_ms=int(LOOK_EVERY * 1000), max_records=POLL)
        records = [record_of(message) for messages in batches.values() for message in messages]
        for item in await examine_all(records, self.trust):
            self.arrived[item.record.partition].append(item)
        for record in records:
            self.offsets[record.partition] = self.read_to[record.partition] = record.offset + 1

    async def take_up(self) -> None:
        """What waits or is parked and can be a leaf by now: its key has become known, by the trust
        file of this start or by a leaf."""
        for partition in self.chains.waiting:
            self.arrived[partition] += ()
        last, records = await self.state.untrusted(0)
        while records or self.arrived:
            for item in await examine_all(records, self.trust):
                if isinstance(item, Heard):
                    self.arrived[item.record.partition].append(item)
            last, records = await self.state.untrusted(0 if await self.seal() else last)

    async def _seal_when_due(self) -> None:
        due = self._since(self.last) >= self.owner.pace.every
        if not self.offsets or not (due or sum(map(len, self.arrived.values())) >= AT_ONCE):
            return
        if await self.seal():
            await self.take_up()

    async def seal(self) -> bool:
        """Decides on what has arrived, and publishes what grew of it. Whether a key was changed by
        it."""
        now = clock.now()
        taken: list[Taken] = []
        chains, trust = self.chains, self.trust
        for partition, examined in self.arrived.items():
            known = await self.state.hashes(partition, examined, chains.heads)
            taken.append(take(chains, partition, known, examined, trust, now))
            chains, trust = taken[-1].chains, taken[-1].trust
        leaves = [heard for one in taken for heard in one.leaves]
        grown = await asyncio.to_thread(
            grow,
            self.tree,
            [heard.event.envelope for heard in leaves],
            [heard.record.signature for heard in leaves],
            [heard.event.hash for heard in leaves],
        )
        await self.state.decide(taken, self.tree.sealed, grown.tree.sealed, self.offsets, now)
        self.chains, self.trust = chains, trust
        self.parked = self.parked or any(one.parked for one in taken)
        for one in taken:
            _tell(one.parked, one.opened)
        self.arrived.clear()
        self.offsets.clear()
        if leaves:
            await self.publish(grown)
            telemetry.sealed(len(leaves))
        return any(isinstance(heard.event.data, KeyRotated) for heard in leaves)

    async def publish(self, grown: Grown) -> None:
        """Steps 2 to 4. The tree is decided already."""
        await self.owner.store.write(grown.files)
        sealed = grown.tree.sealed
        if self.note is None or parse_note(self.note)[0] != self._checkpoint(sealed).text:
            note = sign_checkpoint(self._checkpoint(sealed), self.owner.signer)
            await self.owner.store.replace(CHECKPOINT, self.note, note)
            self.note = note
        await self.state.published(sealed, clock.now())
        self.tree = grown.tree
        self.last = self._now()
        for path in grown.full:
            await self.owner.store.discard(f"{path}.p")

    def _checkpoint(self, sealed: Sealed) -> Checkpoint:
        return Checkpoint(self.owner.signer.name, sealed.size, sealed.root)

    async def _record_when_due(self) -> None:
        now = clock.now()
        holes = overdue(
            self.chains.holes.values(), now, timedelta(seconds=self.owner.pace.hole_after)
        )
        if not holes and not self.parked:
            return
        self.parked = await self.state.record(self.owner.ledger, holes, by_the_sealer(now)) > len(
            holes
        )
        self.chains = recorded(self.chains, holes)

    async def _look_when_due(self) -> None:
        if not self.offsets and self._since(self.looked) >= self.owner.pace.every:
            await self.state.look()
            self.looked = self._now()

    async def _beat_when_due(self) -> None:
        """Nothing new for long: the same checkpoint once more, which shows that the log is alive
        and nobody else's."""
        if self.note is not None and self._since(self.last) >= self.owner.pace.heartbeat:
            await self.owner.store.replace(CHECKPOINT, self.note, self.note)
            await self.state.published(self.tree.sealed, clock.now())
            self.last = self._now()

    async def _witness_when_due(self) -> None:
        if self.round is not None and self.round.done():
            done, self.round = self.round.result(), None
            await self._witnessed(done)
        if self.round is not None or self.note is None or not self.witnesses.wanted:
            return
        wait = (
            self.owner.pace.heartbeat
            if self.tree.edge.size == self.witnessed
            else self.owner.pace.every
        )
        if self._since(self.asked) >= wait:
            self.asked = self._now()
            self.round = asyncio.create_task(
                self.witnesses.ask(self.note, self._checkpoint(self.tree.sealed))
            )

    async def _witnessed(self, round_: Round) -> None:
        if round_.quorum:
            await self._show_witnessed(round_)
            self.witnessed = round_.checkpoint.size
        for name, _, problem in round_.answers:
            if problem is not None:
                log.warning("a witness does not cosign", witness=name, problem=problem)
        self.silent = sum(problem is not None for _, _, problem in round_.answers)
        await self.state.witnessed(
            round_.checkpoint.size if round_.quorum else None, round_.answers, clock.now()
        )

    async def _show_witnessed(self, round_: Round) -> None:
        """As the witnessed head, and as the head of the log where that has not grown since."""
        text, signatures = parse_note(sign_checkpoint(round_.checkpoint, self.owner.signer))
        note = add_signatures(text, [*signatures, *round_.cosignatures])
        await self.owner.show(WITNESSED, note)
        if self.note is not None and parse_note(self.note)[0] == text:
            await self.owner.store.replace(CHECKPOINT, self.note, note)
            self.note = note

    def _measure(self, consumer: AIOKafkaConsumer) -> None:
        ends = {place: consumer.highwater(place) for place in consumer.assignment()}
        self.owner.shown.update(
            size=self.tree.edge.size,
            witnessed_size=max(self.witnessed, 0),
            holes=len(self.chains.holes),
            waiting=sum(map(len, self.chains.waiting.values())),
            silent_witnesses=self.silent,
            to_seal=sum(map(len, self.arrived.values()))
            + sum(
                max(0, (end or 0) - self.read_to.get(place.partition, 0))
                for place, end in ends.items()
            ),
        )

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _since(self, then: float) -> float:
        return self._now() - then


def _tell(parked: Sequence[Parked], opened: Sequence[Hole]) -> None:
    for item in parked:
        log.warning(
            "not sealed",
            reason=item.reason.value,
            detail=item.detail,
            partition=item.record.partition,
            offset=item.record.offset,
        )
    for hole in opened:
        log.warning(
            "the log waits", chain=f"{hole.service}/{hole.partition}", missing=hole.sequence
        )
