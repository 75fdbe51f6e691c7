"""The writer: puts what commands decided into the ledger, for everybody who waits in one
transaction (group commit).

A turn is the proposals that one transaction takes. It is planned on the heads that this process
remembers; when the database refuses it, because one of them has moved, it is planned again on heads
read under the chains' locks. `plan.plan` decides; this module does the I/O around it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
from asyncpg.pool import Pool

from shared.chain.link import Head
from shared.contract.catalogue import review, system
from shared.contract.topics import partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import telemetry
from shared.runtime.process.database import Connection
from shared.runtime.process.persistence import PASSING
from shared.runtime.say import projection, tables
from shared.runtime.say.keyring import KeyMissing, Keyring
from shared.runtime.say.plan import Again, Proposal, Signed, SubjectHead, Turn, plan
from shared.runtime.say.together import repeated, together, types_of

WRITERS: Final = 2
"""Each commits for partitions of its own: one links and signs while the other waits for
Postgres."""
TURN: Final = 1000
"""Most proposals that one transaction takes."""
MORE_THAN_VIEWS: Final = (system.KeyRotated, system.PersonErased, review.ContentErased)
"""What is said with changes to the runtime's own tables, and so in a transaction of several
statements."""
CAUTIOUS: Final = 16
"""Turns that look before they plan, after one that did not and was refused: another replica writes
too, or keys come again."""


@dataclass(slots=True)
class _Waiting:
    proposal: Proposal
    outcome: "asyncio.Future[tuple[Signed, ...] | Again]"

    def fail(self, error: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)


class Writer:
    """Appends to the chains of one service."""

    def __init__(
        self, pool: "Pool[asyncpg.Record]", keyring: Keyring, project: projection.Project
    ) -> None:
        self._pool = pool
        self.keyring = keyring
        self._project = project
        self._queues: tuple[asyncio.Queue[_Waiting], ...] = tuple(
            asyncio.Queue() for _ in range(WRITERS)
        )
        self._heads: dict[int, Head] = {}
        """Of the service's own chains, by partition, as this process has left them."""
        self._types: dict[str, tuple[str, ...] | None] = {}
        """Of the parameters of statements that turns have repeated."""
        self._cautious = 0
        """Turns to come that look first."""
        self.appended = asyncio.Event()
        """Set after each commit, so that the relay need not wait for its next look."""

    @property
    def service(self) -> ServiceName:
        return self.keyring.service

    async def submit(self, proposal: Proposal) -> tuple[Signed, ...] | Again:
        """Waits for the turn that takes the proposal, and for its commit.

        Raises Conflict, IdempotencyMismatch, MalformedEnvelope when an event is too large, and what
        made the commit fail."""
        item = _Waiting(proposal, asyncio.get_running_loop().create_future())
        self._queues[partition_of(proposal.subject_id) % WRITERS].put_nowait(item)
        return await item.outcome

    async def run(self) -> None:
        """Commits for everybody who waits, until cancelled."""
        writers = [asyncio.create_task(self._take_turns(queue)) for queue in self._queues]
        try:
            await asyncio.gather(*writers)
        finally:
            for writer in writers:
                writer.cancel()

    async def append_within(self, connection: Connection, proposals: Sequence[Proposal]) -> Turn:
        """One turn in the caller's transaction: every accepted proposal is written when that
        commits; then the caller says so by `committed`."""
        heads, subjects, taken = await self._look(connection, proposals)
        turn = plan(proposals, heads, subjects, taken, self.keyring.speaker(heads))
        if not await self._write(connection, proposals, turn, heads):
            raise AssertionError("a chain moved while it was locked")
        return turn

    def committed(self, events: int) -> None:
        """Counts events that a transaction said and committed, and wakes the relay for them."""
        if events:
            telemetry.appended(events)
            self.appended.set()

    async def _take_turns(self, queue: "asyncio.Queue[_Waiting]") -> None:
        while True:
            waiting = [await queue.get()]
            while len(waiting) < TURN and not queue.empty():
                waiting.append(queue.get_nowait())
            await self._commit(waiting)

    async def _commit(self, waiting: Sequence[_Waiting], *, look: bool = False) -> None:
        wanted = [item for item in waiting if not item.outcome.cancelled()]
        if not wanted:
            return
        proposals = [item.proposal for item in wanted]
        committing = False
        try:
            async with self._pool.acquire() as connection:
                committing = True
                turn = None if look else await self._say_at_once(connection, proposals)
                committing = False
                if turn is None:
                    async with connection.transaction():
                        turn = await self._append(connection, proposals, look=look)
                        committing = True
        except KeyMissing as error:
            _fail(wanted, error)
            raise
        except asyncpg.UniqueViolationError as error:
            # Nothing is written. Under a look only a key can have been taken since; the next look
            # sees it.
            self._be_cautious(proposals)
            if look and error.constraint_name != tables.KEYS:
                await self._commit_singly(wanted, error)
            else:
                await self._commit(wanted, look=True)
        except Exception as error:  # noqa: BLE001  every failure is some caller's
            self._be_cautious(proposals)
            if (committing and not _refused(error)) or isinstance(error, TimeoutError):
                # Lost, perhaps committed; or a database that hangs, and would for each of them.
                _fail(wanted, error)
            else:
                await self._commit_singly(wanted, error)
        else:
            self._heads.update(turn.heads)
            self.committed(len(turn.rows))
            _settle(wanted, turn)

    async def _say_at_once(
        self, connection: Connection, proposals: Sequence[Proposal]
    ) -> Turn | None:
        """What this process remembers enough for, in one statement. None where that cannot be
        done, or a chain has moved: then nothing is written."""
        if self._cautious or (planned := self._planned(proposals)) is None:
            return None
        turn, heads = planned
        accepted = _accepted(proposals, turn)
        if not turn.rows or len({proposal.subject_id for proposal, _ in accepted}) < len(accepted):
            return None
        if any(isinstance(row.recorded.event.data, MORE_THAN_VIEWS) for row in turn.rows):
            return None
        writes = [
            [*projection.shown(self._project, [one.recorded for one in signed]), *proposal.extra]
            for proposal, signed in accepted
        ]
        for sql in repeated(writes):
            if sql not in self._types:
                self._types[sql] = await types_of(connection, sql)
        if (views := together(writes, self._types, tables.PARAMETERS)) is None:
            return None
        if await tables.say_at_once(connection, turn, heads, accepted, views):
            return turn
        self._be_cautious(proposals)
        return None

    async def _append(
        self, connection: Connection, proposals: Sequence[Proposal], *, look: bool
    ) -> Turn:
        if not look and not self._cautious:
            if (turn := await self._append_remembered(connection, proposals)) is not None:
                return turn
            self._be_cautious(proposals)
        self._cautious = max(0, self._cautious - 1)
        return await self.append_within(connection, proposals)

    async def _append_remembered(
        self, connection: Connection, proposals: Sequence[Proposal]
    ) -> Turn | None:
        """The same without a look; None when that cannot be done, or a chain has moved: then
        nothing is written.

        Raises UniqueViolationError when more is known of a subject, or a key is taken."""
        if (planned := self._planned(proposals)) is None:
            return None
        turn, heads = planned
        return turn if await self._write(connection, proposals, turn, heads) else None

    def _planned(self, proposals: Sequence[Proposal]) -> tuple[Turn, Mapping[int, Head]] | None:
        """The turn on the heads that this process remembers, and these; None when it remembers too
        little."""
        partitions = {partition_of(proposal.subject_id) for proposal in proposals}
        if not self._heads.keys() >= partitions:
            return None
        heads = {partition: self._heads[partition] for partition in partitions}
        subjects = {
            proposal.subject_id: SubjectHead(proposal.expected_version, proposal.said_hash)
            for proposal in proposals
        }
        return plan(proposals, heads, subjects, {}, self.keyring.speaker(heads)), heads

    async def _look(
        self, connection: Connection, proposals: Sequence[Proposal]
    ) -> tables.TurnBasis:
        """Locks the chains; what a turn is planned on, and what they name of new keys is
        learned."""
        partitions = {partition_of(proposal.subject_id) for proposal in proposals}
        chains = await tables.lock_chains(
            connection, services=[self.service], partitions=partitions
        )
        await tables.learn_rotations(connection, self.keyring.trust, chains)
        subjects = {proposal.subject_id for proposal in proposals}
        keys = [item.idempotency.key for item in proposals if item.idempotency is not None]
        return tables.TurnBasis(
            tables.heads_of(chains),
            await tables.subject_heads(connection, subjects),
            await tables.taken_keys(connection, keys),
        )

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
        accepted = _accepted(proposals, turn)
        if not await tables.say_next(connection, turn, heads, accepted):
            return False
        await tables.mark_rotations(connection, [row.recorded.event for row in turn.rows])
        await projection.apply(connection, self._project, [row.recorded for row in turn.rows])
        for proposal, _ in accepted:
            if proposal.extra:
                await projection.execute(connection, proposal.extra)
        return True

    def _be_cautious(self, proposals: Iterable[Proposal]) -> None:
        """What was remembered of these chains did not hold, or may not."""
        for proposal in proposals:
            if self._heads.pop(partition_of(proposal.subject_id), None) is not None:
                self._cautious = CAUTIOUS

    async def _commit_singly(self, waiting: Sequence[_Waiting], error: Exception) -> None:
        """A failed group is tried one by one, so that only the command that cannot be written
        fails."""
        if len(waiting) == 1:
            waiting[0].fail(error)
            return
        for item in waiting:
            await self._commit([item])


def _accepted(
    proposals: Sequence[Proposal], turn: Turn
) -> list[tuple[Proposal, tuple[Signed, ...]]]:
    return [
        (proposal, verdict)
        for proposal, verdict in zip(proposals, turn.verdicts, strict=True)
        if isinstance(verdict, tuple)
    ]


def _refused(error: Exception) -> bool:
    """Whether the server itself says that it has not done it. What it says while it ends, or a
    connection says that is lost, leaves that open."""
    return isinstance(error, asyncpg.PostgresError) and not isinstance(error, PASSING)


def _settle(waiting: Sequence[_Waiting], turn: Turn) -> None:
    for item, verdict in zip(waiting, turn.verdicts, strict=True):
        if isinstance(verdict, Exception):
            item.fail(verdict)
        elif not item.outcome.done():
            item.outcome.set_result(verdict)


def _fail(waiting: Sequence[_Waiting], error: Exception) -> None:
    """A commit whose answer was lost may have happened: to try again would find a conflict, decide
    anew and say it all twice. Only the caller's idempotency key makes a second try safe."""
    for item in waiting:
        item.fail(error)
