"""The sealer: makes each event on the topic a leaf of the log, and publishes the log.

`decide` decides; this room does the I/O around it, in the one order that survives a crash at any
point:

1. one transaction decides which the next leaves are, and keeps them;
2. tiles, bundles and signatures are written, all of them; the same leaves always make the same
   files;
3. the checkpoint is signed and replaces the one before it;
4. the database notes that it is published.

The next sealer begins at 2 with the decided leaves. It is also the only recovery: a sealer in
which anything failed is never used again."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.chain.trust import Trust
from shared.contract.hashing import event_hash
from shared.contract.topics import PARTITIONS
from shared.runtime.carry.topic import connected, follower
from shared.runtime.process import clock
from shared.runtime.process.database import Connection
from shared.runtime.process.lease import lease
from shared.runtime.say.ledger import Ledger
from shared.seal import restored
from shared.seal.adopting import adopt
from shared.seal.growth import LogRefused, grow, may_resume
from shared.seal.published import CHECKPOINT, Published
from shared.seal.state import Decided, LogState
from shared.seal.store import UNFINISHED, LogStore
from shared.seal.term import POLL, Pace, Sealing
from shared.seal.witnesses import Witnesses
from shared.tlog.note import Signer
from shared.tlog.policy import Policy


@dataclass(slots=True)
class Sealer:
    """The settings of a sealer; each `run` is one term, from taking over until something fails."""

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
    """Files with which anybody can check the log: its verifier key, the trust file, the policy."""
    measures: dict[str, int] = field(default_factory=dict)
    """For metrics."""

    async def run(self) -> None:
        """Seals until cancelled or until anything fails; run again, it resumes from the
        database."""
        async with (
            lease(self.dsn, "sealer") as connection,
            httpx.AsyncClient(timeout=self.pace.witness_within, trust_env=False) as client,
        ):
            sealing = await self.take_over(connection, client)
            sealing.read_to = await sealing.state.offsets()
            await sealing.take_up()
            async with self._reading(sealing.read_to) as consumer:
                await sealing.run(consumer)

    async def take_over(self, connection: Connection, client: httpx.AsyncClient) -> Sealing:
        """Publishes the leaves that the last term had decided. Raises LogRefused where going on
        would fork the log."""
        state = await LogState.take_over(connection)
        await self.store.discard(UNFINISHED)
        decided = await state.decided()
        published = Published(self.store, self.signer.verifier)
        note = await self.store.read(CHECKPOINT)
        shown = published.head(note)
        if shown is not None and shown.size and not decided.tree.size:
            await adopt(state, published, shown, self.trust, clock.now())
            decided = await state.decided()
        may_resume(decided.tree, decided.published, shown)
        for path, data in self.public.items():
            await published.show(path, data)
        tree = await published.tree(decided.published)
        trust = await restored.with_sealed_keys(state, self.trust)
        witnesses = Witnesses(self.policy, self.store, self.pace.witness_within, client)
        sealing = Sealing(
            published,
            self.signer,
            self.pace,
            self.ledger,
            self.measures,
            state,
            tree,
            await restored.chains(state, trust, clock.now()),
            trust,
            witnesses,
            note,
        )
        if decided.entries or note is None:
            await _complete(sealing, decided)
        return sealing

    @contextlib.asynccontextmanager
    async def _reading(self, offsets: Mapping[int, int]) -> AsyncIterator[AIOKafkaConsumer]:
        async with connected(follower(self.kafka, at_once=POLL)) as consumer:
            consumer.assign([TopicPartition(self.topic, number) for number in range(PARTITIONS)])
            for partition, offset in offsets.items():
                consumer.seek(TopicPartition(self.topic, partition), offset)
            yield consumer


async def _complete(sealing: Sealing, decided: Decided) -> None:
    """Publishes the leaves that the last term decided and may not have published."""
    hashes = list(map(event_hash, decided.entries))
    grown = grow(sealing.tree, decided.entries, decided.signatures, hashes)
    if grown.tree.sealed != decided.tree:
        raise LogRefused(
            "the leaves that are decided do not make the root that is decided: "
            "the database was changed"
        )
    await sealing.publish(grown)
