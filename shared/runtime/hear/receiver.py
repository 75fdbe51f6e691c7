"""The receiver: hears what the other services say, a batch in one transaction with its offset, its
views and its reactions.

What counts as heard is decided on the locked chain rows, so a second replica or a zombie can double
nothing. `judge` decides; this module does the I/O."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from uuid import UUID

import asyncpg
import structlog
from asyncpg.pool import Pool

from shared.chain.link import Head
from shared.chain.trust import Trust
from shared.contract.decision import Actor, Context, Rejected
from shared.contract.envelope import Event
from shared.contract.topics import is_system
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.examining import examine_all
from shared.runtime.hear.judge import (
    Heard,
    Parked,
    ParkReason,
    Received,
    Record,
    examine_together,
    placed,
    receive,
)
from shared.runtime.hear.messages import record_from
from shared.runtime.hear.parking import park, places, resolve, waited
from shared.runtime.process import clock, telemetry
from shared.runtime.process.database import Connection
from shared.runtime.process.persistence import PASSING
from shared.runtime.say import projection
from shared.runtime.say.keyring import KeyMissing
from shared.runtime.say.ledger import Ledger, say
from shared.runtime.say.plan import IncidentHead, Proposal, Recorded
from shared.runtime.say.rules import Rules
from shared.runtime.say.tables import (
    Stretch,
    heard_to,
    incident_heads,
    lock_chains,
    mark_rotations,
    record,
    rotations,
)

C = TypeVar("C")
S = TypeVar("S")

WAITED: Final = 2000
"""Most messages of a chain that waited and are taken up in one transaction."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Receiver(Generic[C, S]):
    ledger: Ledger[C, S]
    rules: Rules[C, S]
    pool: "Pool[asyncpg.Record]"
    trust: Trust
    rebuilding: bool = False
    """Whether the service's own events are taken from the topic too, as by one who has lost them;
    nothing is reacted to then."""

    async def hear(
        self, partition: int, records: Sequence[Record], stretch: Stretch | None = None
    ) -> None:
        """One batch of one partition, all or nothing; `stretch` is where it was read, None for what
        is heard again. Raises Fenced.

        Then, each in a transaction of its own, the rest of what waited for it, and what is signed
        with a key that it names. Who dies in between finds that in `take_up`."""
        await self.hear_batch(await self._batch(partition, records, stretch))

    async def hear_batch(self, batch: "Batch") -> None:
        """The same of what is examined already, with keys that were known then."""
        batch = await self._hear(batch)
        keys = bool(batch.learned)
        while batch.left:
            batch = await self._hear(await self._batch(batch.partition, (), None))
            keys = keys or bool(batch.learned)
        if keys:
            await self._trust_again(batch.partition)

    async def take_up(self, partition: int) -> None:
        """What is parked and can be heard by now: nothing is missing before it any more, or its key
        has become known, by the trust file of this start or by what another replica heard."""
        await self.hear(partition, ())
        await self._trust_again(partition)

    async def _trust_again(self, partition: int) -> None:
        """Hears what was parked as untrusted and is trusted now, as if it had just come."""
        last = 0
        while rows := await self.pool.fetch(
            """SELECT * FROM parked WHERE partition = $1 AND reason = 'untrusted' AND resolved_at IS NULL AND parked_id > $2
               ORDER BY parked_id LIMIT $3""",
            partition,
            last,
            WAITED,
        ):
            last = rows[-1]["parked_id"]
            records = [record_from(row) for row in rows]
            examined = await examine_all(records, self.trust)
            if trusted := [item.record for item in examined if isinstance(item, Heard)]:
                await self.hear(partition, trusted)

    async def _hear(self, batch: "Batch") -> "Batch":
        """As it was committed."""
        records = [item.record for item in batch.examined]
        try:
            await self._commit(batch)
        except _ViewFailed:
            # Once more from the start, with a savepoint for each view: what every batch would pay
            # for is paid for now.
            batch = await self._batch(batch.partition, records, batch.stretch)
            batch.careful = True
            await self._commit(batch)
        for rotation in batch.learned:
            self.trust.learn(rotation)
        if batch.reacted:
            self.ledger.appended.set()
        telemetry.heard([heard.event for heard in batch.accepted], self.ledger.service)
        for parked in batch.parked:
            telemetry.parked(parked.reason.value)
            log.warning(
                "parked",
                reason=parked.reason.value,
                detail=parked.detail,
                partition=batch.partition,
                offset=parked.record.offset,
            )
        return batch

    async def _batch(
        self, partition: int, records: Sequence[Record], stretch: Stretch | None
    ) -> "Batch":
        trust = self.trust.copy()
        return Batch(partition, trust, await examine_all(records, trust), stretch)

    async def _commit(self, batch: "Batch") -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            while await self._go_on(connection, batch):
                pass

    async def _go_on(self, connection: Connection, batch: "Batch") -> bool:
        """Hears the batch to its end or to a change of key, whatever comes first; True when there
        is more."""
        chains = await self._locked(connection, batch)
        seen = await self._look(connection, batch)
        received = await self._judge(connection, batch, chains, seen)
        recorded = await self._record(connection, batch, received, seen)
        await park(connection, received.parked)
        if seen.waits or received.parked:
            await resolve(connection, batch.partition, received)
        await self._project(connection, batch, received.accepted, recorded)
        if not self.rebuilding:
            batch.reacted += await self._react(connection, received.accepted)
        batch.accepted += received.accepted
        batch.parked += received.parked
        batch.examined = examine_together(received.rest, batch.trust)
        return received.rotated

    async def _locked(self, connection: Connection, batch: "Batch") -> dict[ServiceName, Head]:
        """The partition's chains, in this transaction's hands, and the keys that they name."""
        heads = await lock_chains(connection, partitions=[batch.partition])
        # Under the lock: a replica that was not told of a new key must not trust the old one any
        # more.
        if learned := await rotations(connection, batch.trust, heads):
            batch.learn(learned)
        return {ServiceName(row["service"]): Head(row["sequence"], row["hash"]) for row in heads}

    async def _look(self, connection: Connection, batch: "Batch") -> "_Seen":
        """Under the lock: the heads of the incidents that are spoken of, and whether anything is
        parked here."""
        spoken_of = frozenset(
            item.event.incident_id for item in batch.examined if isinstance(item, Heard)
        )
        rows = await connection.fetch(
            """SELECT spoken.incident_id, version, said_hash, parked.waits
               FROM (SELECT EXISTS (
                   SELECT FROM parked WHERE partition = $1 AND resolved_at IS NULL AND reason NOT IN ('projection', 'reaction')
               ) AS waits) AS parked
               LEFT JOIN (unnest($2::uuid[]) AS spoken (incident_id) JOIN incident_head USING (incident_id)) ON true""",
            batch.partition,
            list(spoken_of),
        )
        incidents = {
            row["incident_id"]: IncidentHead(row["version"], row["said_hash"])
            for row in rows
            if row["incident_id"] is not None
        }
        return _Seen(rows[0]["waits"], spoken_of, incidents)

    async def _judge(
        self,
        connection: Connection,
        batch: "Batch",
        chains: Mapping[ServiceName, Head],
        seen: "_Seen",
    ) -> Received:
        records = (
            await waited(connection, batch.partition, batch.examined, chains, WAITED)
            if seen.waits
            else []
        )
        again = examine_together(records, batch.trust)
        early = [item for item in again if isinstance(item, Heard)]
        refused = [item for item in again if isinstance(item, Parked)]
        known = await self._known(connection, batch.partition, chains, [*batch.examined, *early])
        own = None if self.rebuilding else self.ledger.service
        received = receive(own, chains, known, early, [*refused, *batch.examined])
        # A full page of a chain that has moved: more of it may wait.
        full = {
            service
            for service, count in Counter(item.event.service for item in early).items()
            if count == WAITED
        }
        batch.left = batch.left or not full.isdisjoint(
            heard.event.service for heard in received.accepted
        )
        return received

    async def _known(
        self,
        connection: Connection,
        partition: int,
        chains: Mapping[ServiceName, Head],
        items: Sequence[Heard | Parked],
    ) -> dict[tuple[ServiceName, int], bytes]:
        """The hashes that are held at numbers that come again."""
        services, sequences = places(
            item
            for item in items
            if isinstance(item, Heard)
            and item.event.link.sequence <= chains[item.event.service].sequence
        )
        if not services:
            return {}
        rows = await connection.fetch(
            """SELECT service, sequence, hash FROM ledger WHERE partition = $1
               AND (service, sequence) IN (SELECT * FROM unnest($2::text[], $3::bigint[]))""",
            partition,
            services,
            sequences,
        )
        return {(ServiceName(row["service"]), row["sequence"]): row["hash"] for row in rows}

    async def _record(
        self, connection: Connection, batch: "Batch", received: Received, seen: "_Seen"
    ) -> list[Recorded]:
        # Once a transaction: its other parts, after a change of key, stand or fall with the first.
        partition, stretch = batch.partition, None if batch.moved else batch.stretch
        batch.moved = True
        if not received.accepted:
            if stretch is not None:
                await heard_to(connection, partition, stretch)
            return []
        own, accepted = (
            self.ledger.service,
            {heard.event.incident_id for heard in received.accepted},
        )
        incidents = {
            incident_id: head
            for incident_id, head in seen.incidents.items()
            if incident_id in accepted
        }
        if had_waited := accepted - seen.spoken_of:
            incidents |= await incident_heads(connection, had_waited)
        signed, incidents = placed(own, received.accepted, incidents)
        offsets = [
            None if heard.event.service == own else heard.record.offset
            for heard in received.accepted
        ]
        heads = {
            (service, partition): head for service, head in received.heads.items() if head.sequence
        }
        await record(connection, signed, offsets, heads, incidents, partition, stretch)
        await mark_rotations(connection, [heard.event for heard in received.accepted])
        return [row.recorded for row in signed]

    async def _project(
        self,
        connection: Connection,
        batch: "Batch",
        accepted: Sequence[Heard],
        recorded: Sequence[Recorded],
    ) -> None:
        try:
            if batch.careful:
                async with connection.transaction():
                    await projection.apply(connection, self.rules.project, recorded)
            else:
                await projection.apply(connection, self.rules.project, recorded)
        except PASSING:
            raise  # the whole batch is heard again
        except (
            Exception
        ) as error:  # a view must not hold up the chain: find the event that it fails on
            if not batch.careful:
                raise _ViewFailed from error
            for heard, item in zip(accepted, recorded, strict=True):
                try:
                    async with connection.transaction():
                        await projection.apply(connection, self.rules.project, [item])
                except PASSING:
                    raise
                except Exception as error:
                    log.exception(
                        "a view failed on an event and is behind", event_id=str(item.event.id)
                    )
                    await park(
                        connection,
                        [Parked(heard.record, ParkReason.PROJECTION, repr(error), item.event)],
                    )
                    telemetry.parked(ParkReason.PROJECTION.value)

    async def _react(self, connection: Connection, accepted: Sequence[Heard]) -> int:
        reacted: Counter[str] = Counter()
        for heard in accepted:
            if is_system(heard.event.incident_id) or not isinstance(
                heard.event.data, self.rules.reacts_to
            ):
                continue
            try:
                async with connection.transaction():
                    reacted["said"] += await self._react_to(connection, heard.event)
            except KeyMissing:
                raise
            except PASSING:
                raise
            except Exception as error:
                log.exception("a reaction failed", event_id=str(heard.event.id))
                await park(
                    connection,
                    [Parked(heard.record, ParkReason.REACTION, repr(error), heard.event)],
                )
                telemetry.parked(ParkReason.REACTION.value)
        return reacted["said"]

    async def react_again(self, parked_id: int, event: Event) -> None:
        """Tries a parked reaction again; raises what it raises."""
        async with self.pool.acquire() as connection, connection.transaction():
            # The chain first, as in everything that says something.
            await lock_chains(connection, partitions=[event.link.partition])
            said = await self._react_to(connection, event)
            await connection.execute(
                "UPDATE parked SET resolved_at = clock_timestamp(), resolution = $2 WHERE parked_id = $1",
                parked_id,
                f"reacted with {said} events",
            )

    async def _react_to(self, connection: Connection, event: Event) -> int:
        said_now = 0
        loaded = await self.ledger.load(event.incident_id, connection)
        with telemetry.span_from(
            event.traceparent, f"{self.ledger.service} reacts to {event.type}"
        ):
            for command in self.rules.react(event, loaded.state):
                context = Context(clock.now(), Actor.service(self.ledger.service))
                loaded = await self.ledger.load(event.incident_id, connection)
                try:
                    decided = self.rules.decide(command, loaded.state, context)
                except Rejected as refusal:
                    log.info(
                        "no reaction",
                        rule=refusal.rule,
                        detail=refusal.detail,
                        event_id=str(event.id),
                    )
                    continue
                said = say(event.incident_id, decided, context, cause=event)
                turn = await self.ledger.append_within(
                    connection, [Proposal(event.incident_id, loaded.version, said)]
                )
                if isinstance(turn.verdicts[0], Exception):
                    raise turn.verdicts[0]
                said_now += len(said)
        return said_now


class _ViewFailed(Exception):
    """The transaction is lost."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known under the lock of the partition before a batch is judged."""

    waits: bool
    """Whether anything is parked that may still be heard."""
    spoken_of: frozenset[UUID]
    """The batch's incidents."""
    incidents: Mapping[UUID, IncidentHead]


@dataclass(slots=True)
class Batch:
    """What is heard in one transaction, and with whose keys it was examined."""

    partition: int
    trust: Trust
    examined: list[Heard | Parked]
    stretch: Stretch | None
    """Where it was read; None for what is heard again."""
    careful: bool = False
    """Whether a view is known to fail: then only its own writes are undone."""
    moved: bool = False
    """Whether the transaction has moved the offset."""
    left: bool = False
    """More waits than one transaction takes."""
    learned: list[Event] = field(default_factory=list)
    accepted: list[Heard] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    reacted: int = 0

    def learn(self, rotations: Sequence[Event]) -> None:
        self.learned += rotations
        self.trust = self.trust.after(*rotations)
        self.examined = examine_together([item.record for item in self.examined], self.trust)
