"""One term of a sealer: it decides on the messages that arrive, seals them, publishes the log and
has it witnessed."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer

from shared.chain.trust import Trust
from shared.contract.catalogue.system import KeyRotated
from shared.runtime.carry.topic import messages_of
from shared.runtime.hear.examining import examine_all
from shared.runtime.hear.judge import Heard, Parked
from shared.runtime.hear.messages import record_of
from shared.runtime.process import clock, telemetry
from shared.runtime.say.ledger import Ledger
from shared.seal.decide import Chains, Hole, Taken, overdue, recorded, take
from shared.seal.growth import Grown, Tree, TreeHead, grow
from shared.seal.published import CHECKPOINT, WITNESSED, Published
from shared.seal.recording import by_the_sealer, record
from shared.seal.state import LogState
from shared.seal.witnesses import Round, Witnesses
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.note import Signer, add_signatures, parse_note

AT_ONCE: Final = 16_384
"""Messages decided on at once; this many are sealed without waiting for the interval."""
POLL: Final = 512
"""Most messages of one read."""
LOOK_EVERY: Final = 0.2
"""Seconds between two checks of what is due while nothing arrives."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often, and how long, in seconds."""

    every: float = 1.0
    heartbeat: float = 60.0
    hole_after: float = 60.0
    witness_within: float = 2.0


@dataclass(slots=True)
class Sealing:
    """One term of one sealer, from taking over until something fails."""

    published: Published
    signer: Signer
    pace: Pace
    ledger: Ledger[Any, Any]
    measures: dict[str, int]
    """For metrics."""
    state: LogState
    tree: Tree
    chains: Chains
    trust: Trust
    """With the changes of key among the leaves."""
    witnesses: Witnesses
    note: bytes | None
    """The checkpoint in the store."""
    arrived: dict[int, list[Heard | Parked]] = field(default_factory=lambda: defaultdict(list))
    offsets: dict[int, int] = field(default_factory=dict)
    """By partition: where to resume once the messages that have arrived are decided."""
    read_to: dict[int, int] = field(default_factory=dict)
    last: float = float("-inf")
    """When a checkpoint was last published, on the loop's clock."""
    looked: float = float("-inf")
    """When an idle sealer last checked that its epoch has not passed, on the loop's clock."""
    parked: bool = True
    """Whether parked messages may wait to be recorded."""
    round: "asyncio.Task[Round] | None" = None
    asked: float = float("-inf")
    """When the witnesses were last asked, on the loop's clock."""
    witnessed: int = -1
    """The last size that a quorum cosigned in this term; -1 before the first."""
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
        batches = await messages_of(consumer, timeout_ms=int(LOOK_EVERY * 1000), at_most=POLL)
        records = [record_of(message) for messages in batches.values() for message in messages]
        for item in await examine_all(records, self.trust):
            self.arrived[item.record.partition].append(item)
        for one in records:
            self.offsets[one.partition] = self.read_to[one.partition] = one.offset + 1

    async def take_up(self) -> None:
        """Seals messages that wait or are parked and can be leaves by now, because their key has
        become known by the trust file of this start or by a leaf."""
        for partition in self.chains.waiting:
            self.arrived[partition] += ()
        last, records = await self.state.untrusted(0)
        while records or self.arrived:
            for item in await examine_all(records, self.trust):
                if isinstance(item, Heard):
                    self.arrived[item.record.partition].append(item)
            last, records = await self.state.untrusted(0 if await self.seal() else last)

    async def _seal_when_due(self) -> None:
        due = self._since(self.last) >= self.pace.every
        if not self.offsets or not (due or sum(map(len, self.arrived.values())) >= AT_ONCE):
            return
        if await self.seal():
            await self.take_up()

    async def seal(self) -> bool:
        """Decides on the messages that have arrived and publishes the new leaves. Returns whether
        one of them changes a key."""
        now = clock.now()
        taken: list[Taken] = []
        chains, trust = self.chains, self.trust
        for partition, examined in self.arrived.items():
            known = await self.state.hashes(partition, examined, chains)
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
        """Steps 2 to 4 of `sealer`, for a tree that is decided."""
        await self.published.store.write(grown.files)
        sealed = grown.tree.sealed
        if self.note is None or parse_note(self.note)[0] != self._checkpoint(sealed).text:
            note = sign_checkpoint(self._checkpoint(sealed), self.signer)
            await self.published.store.replace(CHECKPOINT, self.note, note)
            self.note = note
        await self.state.published(sealed, clock.now())
        self.tree = grown.tree
        self.last = self._now()
        for path in grown.full:
            await self.published.store.discard(f"{path}.p")

    def _checkpoint(self, sealed: TreeHead) -> Checkpoint:
        return Checkpoint(self.signer.name, sealed.size, sealed.root)

    async def _record_when_due(self) -> None:
        now = clock.now()
        holes = overdue(self.chains.holes.values(), now, timedelta(seconds=self.pace.hole_after))
        if not holes and not self.parked:
            return
        self.parked = await record(self.state, self.ledger.writer, holes, by_the_sealer(now)) > len(
            holes
        )
        self.chains = recorded(self.chains, holes)

    async def _look_when_due(self) -> None:
        if not self.offsets and self._since(self.looked) >= self.pace.every:
            await self.state.look()
            self.looked = self._now()

    async def _beat_when_due(self) -> None:
        """Publishes the same checkpoint again when nothing was new for long: proof that the log is
        alive, and that no other sealer writes it."""
        if self.note is not None and self._since(self.last) >= self.pace.heartbeat:
            await self.published.store.replace(CHECKPOINT, self.note, self.note)
            await self.state.published(self.tree.sealed, clock.now())
            self.last = self._now()

    async def _witness_when_due(self) -> None:
        if self.round is not None and self.round.done():
            done, self.round = self.round.result(), None
            await self._witnessed(done)
        if self.round is not None or self.note is None or not self.witnesses.wanted:
            return
        wait = self.pace.heartbeat if self.tree.edge.size == self.witnessed else self.pace.every
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
        """Publishes the cosigned checkpoint as the witnessed one and, unless the log has grown
        since, as that of the log."""
        text, signatures = parse_note(sign_checkpoint(round_.checkpoint, self.signer))
        note = add_signatures(text, [*signatures, *round_.cosignatures])
        await self.published.show(WITNESSED, note)
        if self.note is not None and parse_note(self.note)[0] == text:
            await self.published.store.replace(CHECKPOINT, self.note, note)
            self.note = note

    def _measure(self, consumer: AIOKafkaConsumer) -> None:
        ends = {partition: consumer.highwater(partition) for partition in consumer.assignment()}
        self.measures.update(
            size=self.tree.edge.size,
            witnessed_size=max(self.witnessed, 0),
            holes=len(self.chains.holes),
            waiting=sum(map(len, self.chains.waiting.values())),
            silent_witnesses=self.silent,
            to_seal=sum(map(len, self.arrived.values()))
            + sum(
                max(0, (end or 0) - self.read_to.get(topic_partition.partition, 0))
                for topic_partition, end in ends.items()
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
