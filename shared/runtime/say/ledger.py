"""A service's ledger: load what is known of an incident, decide, append.

Few writer tasks commit for everybody who waits (group commit): one transaction links, signs, locks
the lanes, inserts, moves the heads and writes the views. What this process remembers of its chains
is tried first, and refused by the database when anything has moved; then the turn looks under the
lock, and is planned again. `appending.plan` decides; this module does the I/O around it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import asyncpg
from asyncpg.pool import Pool
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random

from shared.chain.link import Head
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.system import SystemRecord
from shared.contract.decision import Context, Missing, Rejected
from shared.contract.envelope import Event, Said, read
from shared.contract.topics import is_system, partition_of, system_incident
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock, telemetry
from shared.runtime.process.database import Connection, Row
from shared.runtime.say import projection
from shared.runtime.say.conflicts import Conflict, IdempotencyMismatch, Stale
from shared.runtime.say.keyring import KeyMissing, Keyring
from shared.runtime.say.memory import Loaded, Memory
from shared.runtime.say.plan import (
    Again,
    Idempotency,
    IncidentHead,
    Proposal,
    Recorded,
    Signed,
    Turn,
    Write,
    plan,
)
from shared.runtime.say.rules import Rules
from shared.runtime.say.tables import (
    KEYS,
    heads_of,
    incident_heads,
    learn_rotations,
    lock_chains,
    mark_rotations,
    say_next,
)

C = TypeVar("C")
S = TypeVar("S")

WRITERS: Final = 2
"""Each commits for partitions of its own: one links and signs while the other waits for
Postgres."""
TURN: Final = 1000
"""Most proposals that one transaction takes."""
CAUTIOUS: Final = 16
"""Turns that look before they plan, after one that did not and was refused: another replica writes
too, or keys come again."""
TRIES: Final[Mapping[str, Any]] = {
    "retry": retry_if_exception_type(Conflict),
    "stop": stop_after_attempt(50),
    "wait": wait_random(0, 0.03),
    "reraise": True,
}
REFUSALS: Final = (Rejected, Missing, Stale)
LINKS: Final = 16


@dataclass(frozen=True, slots=True)
class Carried:
    """A command's answer: the events it made, with their places and signatures, and the incident's
    version after them."""

    incident_id: UUID
    version: int
    signed: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class _Asked(Generic[C]):
    incident_id: UUID
    command: C
    context: Context
    expected_version: int | None
    idempotency: Idempotency | None
    must_exist: bool
    extra: Sequence[Write]


@dataclass(slots=True)
class _Waiting:
    proposal: Proposal
    answer: asyncio.Future[tuple[Signed, ...] | Again]


class Ledger(Generic[C, S]):
    def __init__(self, pool: "Pool[asyncpg.Record]", keyring: Keyring, rules: Rules[C, S]) -> None:
        self._pool = pool
        self.keyring = keyring
        self._rules = rules
        self._queues: tuple[asyncio.Queue[_Waiting], ...] = tuple(
            asyncio.Queue() for _ in range(WRITERS)
        )
        self._memory: Memory[S] = Memory()
        self._heads: dict[int, Head] = {}
        """Of the service's own chains, by partition, as this process has left them."""
        self._cautious = 0
        """Turns to come that look first."""
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self.appended = asyncio.Event()
        """Set after each commit, so that the relay need not wait for its next look."""

    @property
    def service(self) -> ServiceName:
        return self.keyring.service

    async def carry_out(
        self,
        incident_id: UUID,
        command: C,
        context: Context,
        *,
        expected_version: int | None = None,
        idempotency: Idempotency | None = None,
        must_exist: bool = True,
        extra: Sequence[Write] = (),
    ) -> Carried:
        """Decides on all that the service knows and appends; decides again when something was said
        or heard meanwhile.

        Raises what `decide` raises, Missing when nothing is known of the incident and it must
        exist, Stale when it is not at `expected_version`, IdempotencyMismatch, MalformedEnvelope
        when an event is too large, Conflict when others never let up."""
        if is_system(incident_id):
            raise Missing(f"incident {incident_id}")
        try:
            carried = await self._carry_out(
                _Asked(
                    incident_id, command, context, expected_version, idempotency, must_exist, extra
                )
            )
        except REFUSALS:
            # What is refused now may have been done before: a retry gets the first answer.
            if (
                idempotency is not None
                and (earlier := await self._earlier(idempotency)) is not None
            ):
                return earlier
            raise
        if not carried.signed and idempotency is not None:
            return await self._earlier(idempotency) or carried
        return carried

    async def _carry_out(self, asked: "_Asked[C]") -> Carried:
        if not asked.must_exist:
            return await self._decide(asked)
        # Commands of one incident take turns in this process: they would only make each other
        # decide again.
        async with self._turns.setdefault(asked.incident_id, asyncio.Lock()):
            return await self._decide(asked)

    async def _decide(self, asked: "_Asked[C]") -> Carried:
        if (remembered := self._remembered(asked)) is not None:
            # Decided on what this process knows. It counts if nothing was said or heard since; only
            # the database can refuse.
            try:
                if (carried := await self._decide_and_append(asked, remembered)).signed:
                    return carried
            except (*REFUSALS, Conflict):
                pass
        async for attempt in AsyncRetrying(**TRIES):
            with attempt:
                return await self._decide_and_append(asked, await self.load(asked.incident_id))
        raise AssertionError("unreachable: tenacity re-raises")

    def _remembered(self, asked: "_Asked[C]") -> Loaded[S] | None:
        return self._memory.get(asked.incident_id) or (
            None if asked.must_exist else Loaded(self._rules.initial, 0)
        )

    async def _decide_and_append(self, asked: "_Asked[C]", loaded: Loaded[S]) -> Carried:
        if asked.must_exist and loaded.version == 0:
            raise Missing(f"incident {asked.incident_id}")
        if asked.expected_version is not None and asked.expected_version != loaded.version:
            raise Stale(asked.expected_version, loaded.version)
        with telemetry.linked_span(type(asked.command).__name__, loaded.traceparents):
            decided = self._rules.decide(asked.command, loaded.state, asked.context)
            if not decided:
                return Carried(asked.incident_id, loaded.version, ())
            said = say(asked.incident_id, decided, asked.context)
            signed = await self._submit(
                Proposal(
                    asked.incident_id,
                    loaded.version,
                    said,
                    asked.idempotency,
                    asked.extra,
                    loaded.said_hash,
                )
            )
        if isinstance(signed, Again):
            assert asked.idempotency is not None
            if (earlier := await self._earlier(asked.idempotency)) is None:
                raise Conflict(asked.incident_id, loaded.version, loaded.version)
            return earlier
        self._memory.keep(asked.incident_id, self._after(loaded, [row.recorded for row in signed]))
        return Carried(asked.incident_id, signed[-1].recorded.version, signed)

    async def load(self, incident_id: UUID, connection: Connection | None = None) -> Loaded[S]:
        """Folds what the service knows of the incident: of a system incident nothing, as it is
        none. With a connection, what its transaction sees, uncached."""
        if is_system(incident_id):
            return Loaded(self._rules.initial, 0)
        cached = self._memory.get(incident_id) or Loaded(self._rules.initial, 0)
        if connection is not None:
            return await self._fold(connection, incident_id, cached)
        async with self._pool.acquire() as pooled:
            loaded = await self._fold(pooled, incident_id, cached)
        if loaded.version:
            self._memory.keep(incident_id, loaded)
        return loaded

    async def _fold(self, connection: Connection, incident_id: UUID, since: Loaded[S]) -> Loaded[S]:
        rows = await connection.fetch(
            "SELECT version, envelope FROM ledger WHERE incident_id = $1 AND version > $2 ORDER BY version",
            incident_id,
            since.version,
        )
        return self._after(since, (Recorded(read(row["envelope"]), row["version"]) for row in rows))

    def _after(self, since: Loaded[S], recorded: Iterable[Recorded]) -> Loaded[S]:
        state, version, traceparents, said_hash = (
            since.state,
            since.version,
            since.traceparents,
            since.said_hash,
        )
        for item in recorded:
            state, version = self._rules.evolve(state, item.event), item.version
            if item.event.service == self.service:
                said_hash = item.event.hash
            if item.event.traceparent is not None:
                traceparents = (*traceparents, item.event.traceparent)[-LINKS:]
        return Loaded(state, version, traceparents, said_hash)

    async def history(
        self, incident_id: UUID, connection: Connection | None = None
    ) -> list[Recorded]:
        """All that the service knows of an incident, by version."""
        async with self._connection(connection) as used:
            rows = await used.fetch(
                "SELECT version, envelope FROM ledger WHERE incident_id = $1 ORDER BY version",
                incident_id,
            )
        return [Recorded(read(row["envelope"]), row["version"]) for row in rows]

    async def timeline(self, incident_id: UUID, after: int, limit: int) -> list[Signed]:
        """A page of what the service knows of an incident: versions above `after`, with
        signatures."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "SELECT version, envelope, signature FROM ledger WHERE incident_id = $1 AND version > $2 ORDER BY version LIMIT $3",
                incident_id,
                after,
                limit,
            )
        return [_signed(row) for row in rows]

    async def append_within(self, connection: Connection, proposals: Sequence[Proposal]) -> Turn:
        """One turn in the caller's transaction: every accepted proposal is written when that
        commits."""
        heads, incidents, taken = await self._look(connection, proposals)
        turn = plan(proposals, heads, incidents, taken, self.keyring.speaker(heads))
        if not await self._write(connection, proposals, turn, heads):
            raise AssertionError("a chain moved while its lane was locked")
        return turn

    async def _append_remembered(
        self, connection: Connection, proposals: Sequence[Proposal]
    ) -> Turn | None:
        """The same without a look; None when that cannot be done, or a chain has moved: then
        nothing is written.

        Raises UniqueViolationError when more is known of an incident, or a key is taken."""
        partitions = {partition_of(proposal.incident_id) for proposal in proposals}
        if not self._heads.keys() >= partitions:
            return None
        heads = {partition: self._heads[partition] for partition in partitions}
        incidents = {
            proposal.incident_id: IncidentHead(proposal.expected_version, proposal.said_hash)
            for proposal in proposals
        }
        turn = plan(proposals, heads, incidents, {}, self.keyring.speaker(heads))
        return turn if await self._write(connection, proposals, turn, heads) else None

    async def _write(
        self,
        connection: Connection,
        proposals: Sequence[Proposal],
        turn: Turn,
        heads: Mapping[int, Head],
    ) -> bool:
        """Whether the chains still end at `heads`: if not, nothing is written."""
        if not turn.rows:
            return True
        accepted = [
            (proposal, verdict)
            for proposal, verdict in zip(proposals, turn.verdicts, strict=True)
            if isinstance(verdict, tuple)
        ]
        if not await say_next(connection, turn, heads, accepted):
            return False
        await mark_rotations(connection, [row.recorded.event for row in turn.rows])
        await projection.apply(connection, self._rules.project, [row.recorded for row in turn.rows])
        for proposal, _ in accepted:
            if proposal.extra:
                await projection.execute(connection, proposal.extra)
        return True

    async def say_of_the_record(
        self,
        connection: Connection,
        records: Mapping[int, Sequence[SystemRecord]],
        context: Context,
    ) -> tuple[Signed, ...]:
        """Says something about the record itself on each of these partitions, in the caller's
        transaction: all of it, or an exception."""
        if not records:
            return ()
        # The chains first: only under their locks are the versions read here the last ones.
        await lock_chains(connection, services=[self.service], partitions=records)
        subjects = {partition: system_incident(partition) for partition in sorted(records)}
        rows = await connection.fetch(
            "SELECT incident_id, version FROM incident_head WHERE incident_id = ANY($1)",
            list(subjects.values()),
        )
        versions = {row["incident_id"]: row["version"] for row in rows}
        turn = await self.append_within(
            connection,
            [
                Proposal(
                    subject, versions.get(subject, 0), say(subject, records[partition], context)
                )
                for partition, subject in subjects.items()
            ],
        )
        for verdict in turn.verdicts:
            if isinstance(verdict, Exception):
                raise verdict
        return turn.rows

    async def run(self) -> None:
        """Commits for everybody who waits, until cancelled."""
        writers = [asyncio.create_task(self._take_turns(queue)) for queue in self._queues]
        try:
            await asyncio.gather(*writers)
        finally:
            for writer in writers:
                writer.cancel()

    async def _take_turns(self, queue: "asyncio.Queue[_Waiting]") -> None:
        while True:
            waiting = [await queue.get()]
            while len(waiting) < TURN and not queue.empty():
                waiting.append(queue.get_nowait())
            await self._commit(waiting)

    async def _submit(self, proposal: Proposal) -> tuple[Signed, ...] | Again:
        answer: asyncio.Future[tuple[Signed, ...] | Again] = (
            asyncio.get_running_loop().create_future()
        )
        self._queues[partition_of(proposal.incident_id) % WRITERS].put_nowait(
            _Waiting(proposal, answer)
        )
        return await answer

    async def _commit(self, waiting: Sequence[_Waiting], *, look: bool = False) -> None:
        wanted = [item for item in waiting if not item.answer.cancelled()]
        proposals = [item.proposal for item in wanted]
        committing = False
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                turn = await self._append(connection, proposals, look=look)
                committing = True
        except KeyMissing as error:
            _fail(wanted, error)
            raise
        except asyncpg.UniqueViolationError as error:
            # Nothing is written. Under a look only a key can have been taken since; the next look
            # sees it.
            self._be_cautious(proposals)
            if look and error.constraint_name != KEYS:
                await self._commit_singly(wanted, error)
            else:
                await self._commit(wanted, look=True)
            return
        except Exception as error:  # noqa: BLE001  every failure is somebody's answer
            self._be_cautious(proposals)
            if committing or isinstance(
                error, TimeoutError
            ):  # a database that hangs would hang for each of them
                _fail(wanted, error)
            else:
                await self._commit_singly(wanted, error)
            return
        self._heads.update(turn.heads)
        self.appended.set()
        telemetry.appended(len(turn.rows))
        for item, verdict in zip(wanted, turn.verdicts, strict=True):
            if item.answer.done():
                continue
            if isinstance(verdict, Exception):
                item.answer.set_exception(verdict)
            else:
                item.answer.set_result(verdict)

    async def _append(
        self, connection: Connection, proposals: Sequence[Proposal], *, look: bool
    ) -> Turn:
        if not look and not self._cautious:
            if (turn := await self._append_remembered(connection, proposals)) is not None:
                return turn
            self._be_cautious(proposals)
        self._cautious = max(0, self._cautious - 1)
        return await self.append_within(connection, proposals)

    def _be_cautious(self, proposals: Iterable[Proposal]) -> None:
        """What was remembered of these chains did not hold, or may not."""
        for proposal in proposals:
            if self._heads.pop(partition_of(proposal.incident_id), None) is not None:
                self._cautious = CAUTIOUS

    async def _commit_singly(self, waiting: Sequence[_Waiting], error: Exception) -> None:
        """A failed group is tried one by one, so that only the command that cannot be written
        fails."""
        if len(waiting) == 1:
            if not waiting[0].answer.done():
                waiting[0].answer.set_exception(error)
            return
        for item in waiting:
            await self._commit([item])

    async def _look(
        self, connection: Connection, proposals: Sequence[Proposal]
    ) -> tuple[dict[int, Head], dict[UUID, IncidentHead], dict[str, bytes]]:
        """Locks the lanes; the heads of chains and incidents, and the keys that are taken with
        their digests."""
        partitions = {partition_of(proposal.incident_id) for proposal in proposals}
        chains = await lock_chains(connection, services=[self.service], partitions=partitions)
        await learn_rotations(connection, self.keyring.trust, chains)
        heads = heads_of(chains)
        incidents = await incident_heads(
            connection, {proposal.incident_id for proposal in proposals}
        )
        keys = [
            proposal.idempotency.key for proposal in proposals if proposal.idempotency is not None
        ]
        taken = (
            await connection.fetch("SELECT key, digest FROM idempotency WHERE key = ANY($1)", keys)
            if keys
            else []
        )
        return (
            heads,
            incidents,
            {row["key"]: row["digest"] for row in taken},
        )

    async def _earlier(self, idempotency: Idempotency) -> Carried | None:
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(
                "SELECT digest, incident_id, partition, sequence, events FROM idempotency WHERE key = $1",
                idempotency.key,
            )
            if row is None:
                return None
            if row["digest"] != idempotency.digest:
                raise IdempotencyMismatch(idempotency.key)
            rows = await connection.fetch(
                """SELECT version, envelope, signature FROM ledger
                   WHERE service = $1 AND partition = $2 AND sequence >= $3 AND sequence < $3 + $4 ORDER BY sequence""",
                self.service.value,
                row["partition"],
                row["sequence"],
                row["events"],
            )
        signed = tuple(_signed(row) for row in rows)
        return Carried(row["incident_id"], signed[-1].recorded.version, signed)

    @contextlib.asynccontextmanager
    async def _connection(self, given: Connection | None) -> AsyncIterator[Connection]:
        if given is not None:
            yield given
        else:
            async with self._pool.acquire() as pooled:
                yield pooled


def say(
    incident_id: UUID, decided: Iterable[EventData], context: Context, cause: Event | None = None
) -> tuple[Said, ...]:
    """Gives decided data what every event carries: id, time, actor, cause and the trace in which it
    is said."""
    traceparent = telemetry.traceparent()
    correlation = cause.correlation_id if cause is not None else str(clock.new_id())
    return tuple(
        Said(
            id=clock.new_id(),
            incident_id=incident_id,
            time=context.now,
            actor=context.actor.subject,
            data=data,
            correlation_id=correlation,
            causation_id=cause.id if cause is not None else None,
            traceparent=traceparent,
        )
        for data in decided
    )


def _fail(waiting: Sequence[_Waiting], error: Exception) -> None:
    """A commit whose answer was lost may have happened: to try again would find a conflict, decide
    anew and say it all twice. Only the caller's idempotency key makes a second try safe."""
    for item in waiting:
        if not item.answer.done():
            item.answer.set_exception(error)


def _signed(row: Row) -> Signed:
    return Signed(Recorded(read(row["envelope"]), row["version"]), row["signature"])
