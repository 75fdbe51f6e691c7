"""Hears what the other services say. The way of an event from the topic into this service's ledger:

1. The consumer reads what has come of a partition, from where the database says that it was heard
   to, and examines it with the keys that are known (`judge.examine`, on all cores).
2. A batch opens one transaction, which locks the partition's chains; a key that these rows name and
   this process does not know is learned, and the batch examined again (`HearTransaction.hear`).
3. `judge.receive` decides, purely, on the locked heads: the next number of its chain is accepted, a
   duplicate dropped, the rest parked with its reason; what had waited for it is taken up.
4. Events, heads and the offset are written in one statement, then what is parked, then the views.
5. The service reacts: what it says because of an event commits with it (`Reactions`).
6. After the commit the new keys are learned and the relay is woken; what more had waited, or was
   parked for want of a key, follows in transactions of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog
from asyncpg.pool import Pool

from shared.chain.trust import Trust
from shared.runtime.hear.batch import Batch, HeardPart, batch_of
from shared.runtime.hear.examining import examine_all
from shared.runtime.hear.judge import Heard, Record
from shared.runtime.hear.parking import untrusted
from shared.runtime.hear.reactions import Reactions
from shared.runtime.hear.tables import Stretch
from shared.runtime.hear.transaction import HearTransaction
from shared.runtime.hear.views import ViewFailed
from shared.runtime.process import telemetry
from shared.runtime.say.ledger import Ledger

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Receiver:
    ledger: Ledger[Any, Any]
    pool: "Pool[asyncpg.Record]"
    trust: Trust
    rebuilding: bool = False
    """Whether the service's own events are taken from the topic too, for a ledger that has lost
    them; nothing is reacted to then."""

    async def hear(
        self, partition: int, records: Sequence[Record], stretch: Stretch | None = None
    ) -> None:
        """One batch of one partition, all or nothing; `stretch` is where it was read, None for what
        is heard again. Raises Fenced.

        Then, each in a transaction of its own, the rest of what waited for it, and what is signed
        with a key that it names. A process that dies in between finds that in `take_up`."""
        await self.hear_batch(await batch_of(partition, records, stretch, self.trust))

    async def hear_batch(self, batch: Batch) -> None:
        """The same of what is examined already, with keys that were known then."""
        parts = await self._hear(batch)
        learned = any(part.learned for part in parts)
        while any(part.more_waits for part in parts):
            parts = await self._hear(await batch_of(batch.partition, (), None, self.trust))
            learned = learned or any(part.learned for part in parts)
        if learned:
            await self._trust_again(batch.partition)

    async def take_up(self, partition: int) -> None:
        """What is parked and can be heard by now: nothing is missing before it any more, or its key
        has become known, by the trust file of this start or by what another replica heard."""
        await self.hear(partition, ())
        await self._trust_again(partition)

    async def _trust_again(self, partition: int) -> None:
        """Hears what was parked as untrusted and is trusted now, as if it had just come."""
        async for records in untrusted(self.pool, partition):
            examined = await examine_all(records, self.trust)
            if trusted := [item.record for item in examined if isinstance(item, Heard)]:
                await self.hear(partition, trusted)

    async def _hear(self, batch: Batch) -> list[HeardPart]:
        try:
            parts = await self._commit(batch, careful=False)
        except ViewFailed:
            parts = await self._commit(batch, careful=True)
        for part in parts:
            self._account_for(batch.partition, part)
        return parts

    async def _commit(self, batch: Batch, *, careful: bool) -> list[HeardPart]:
        reactions = None if self.rebuilding else Reactions(self.ledger)
        async with self.pool.acquire() as connection, connection.transaction():
            transaction = HearTransaction(
                connection, self.ledger.service, self.ledger.project, reactions, careful
            )
            return await transaction.hear(batch)

    def _account_for(self, partition: int, part: HeardPart) -> None:
        """What this process makes of a part that is committed."""
        for rotation in part.learned:
            self.trust.learn(rotation)
        self.ledger.writer.committed(part.reacted)
        telemetry.heard([heard.event for heard in part.accepted], self.ledger.service)
        for parked in part.parked:
            telemetry.parked(parked.reason.value)
            log.warning(
                "parked",
                reason=parked.reason.value,
                detail=parked.detail,
                partition=partition,
                offset=parked.record.offset,
            )
