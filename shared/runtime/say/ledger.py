"""A service's ledger. The way of a command through it:

1. `carry_out` takes what this process remembers of the subject; when it remembers nothing, or that
   turned out to be old, it folds what the table holds (`load`).
2. The service's rules decide on that, purely: events, or a refusal (`_decide_and_append`).
3. `say` gives the events id, time, actor, cause and trace; with the version that they were decided
   on they are a proposal, and wait for the writer (`Writer.submit`).
4. The writer takes all that waits into one turn; `plan` links and signs it, purely, on the heads of
   the chains: as remembered, or as read under their locks.
5. One transaction writes events, heads, views and idempotency keys, or nothing: a chain that has
   moved is looked at and the turn planned again, a subject that has moved is decided on again.
6. After the commit the new state is remembered, the relay is woken, and the caller gets the events
   with their places and signatures.

Steps 4 and 5 stand in `writer`, all that reads in `history`; neither knows of rules."""

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

from shared.contract.catalogue.base import EventData
from shared.contract.decision import Actor, Context, Missing, Rejected
from shared.contract.envelope import Event
from shared.contract.topics import is_system, kind_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.process import clock, telemetry
from shared.runtime.process.database import Connection
from shared.runtime.say import history
from shared.runtime.say.conflicts import Conflict, Stale
from shared.runtime.say.history import TextsOf
from shared.runtime.say.keyring import Keyring
from shared.runtime.say.memory import Loaded, Memory
from shared.runtime.say.plan import Again, Idempotency, Proposal, Recorded, Signed, Write
from shared.runtime.say.rules import Rules, of_each_kind
from shared.runtime.say.utterance import say
from shared.runtime.say.writer import Writer

C = TypeVar("C")
S = TypeVar("S")

TRIES: Final[Mapping[str, Any]] = {
    "retry": retry_if_exception_type(Conflict),
    "stop": stop_after_attempt(50),
    "wait": wait_random(0, 0.03),
    "reraise": True,
}
REFUSALS: Final = (Rejected, Missing, Stale)


@dataclass(frozen=True, slots=True)
class Carried:
    """What a command came to: the events it made, with their places and signatures, and the
    subject's version after them."""

    subject_id: UUID
    version: int
    signed: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class _Asked(Generic[C]):
    subject_id: UUID
    command: C
    context: Context
    expected_version: int | None
    idempotency: Idempotency | None
    must_exist: bool
    extra: Sequence[Write]


class Ledger(Generic[C, S]):
    """What the service knows and says of the subjects of one kind. `beside` are the ledgers of its
    further kinds, which say by the same writer."""

    def __init__(
        self,
        pool: "Pool[asyncpg.Record]",
        keyring: Keyring,
        rules: Rules[C, S],
        beside: Sequence[Rules[Any, Any]] = (),
        writer: Writer | None = None,
    ) -> None:
        self._pool = pool
        self.rules = rules
        self._memory: Memory[S] = Memory()
        self._in_line: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self.keyring = keyring
        self.project = of_each_kind((rules, *beside))
        self.writer = writer or Writer(pool, keyring, self.project)
        self.beside = {one.kind: Ledger(pool, keyring, one, (), self.writer) for one in beside}

    @property
    def service(self) -> ServiceName:
        return self.keyring.service

    def of(self, kind: str) -> "Ledger[Any, Any] | None":
        """The ledger of a kind of subject; None when the service has no rules for it."""
        return self if kind == self.rules.kind else self.beside.get(kind)

    async def carry_out(
        self,
        subject_id: UUID,
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

        Raises what `decide` raises, Missing when nothing is known of the subject and it must
        exist, Stale when it is not at `expected_version`, IdempotencyMismatch, MalformedEnvelope
        when an event is too large, Conflict when others never let up."""
        if is_system(subject_id):
            raise Missing(f"{self.rules.kind} {subject_id}")
        asked = _Asked(
            subject_id, command, context, expected_version, idempotency, must_exist, extra
        )
        try:
            carried = await self._in_turn(asked)
        except REFUSALS:
            # What is refused now may have been done before: a retry gets the first answer.
            if (earlier := await self._earlier(asked)) is not None:
                return earlier
            raise
        if not carried.signed:
            return await self._earlier(asked) or carried
        return carried

    async def carry_out_within(self, connection: Connection, command: C, cause: Event) -> int:
        """What the service itself decides because of an event, in the caller's transaction, which
        holds the locks on the event's chains. How many events it said; all of them commit with the
        transaction, or none. Raises what `decide` raises."""
        subject_id = cause.subject_id
        context = Context(clock.now(), Actor.service(self.service))
        loaded = await self.load(subject_id, connection)
        decided, edition = self._decide(command, loaded.state, context)
        said = say(subject_id, decided, context, edition, cause)
        proposal = Proposal(subject_id, loaded.version, said)
        turn = await self.writer.append_within(connection, [proposal])
        turn.require_accepted()
        return len(said)

    async def run(self) -> None:
        """Commits for everybody who waits, until cancelled."""
        await self.writer.run()

    async def load(self, subject_id: UUID, connection: Connection | None = None) -> Loaded[S]:
        """Folds what the service knows of the subject; of one of another kind nothing. With a
        connection: as its transaction sees it, and that is not remembered."""
        since = self._memory.get(subject_id) or Loaded(self.rules.initial, 0)
        async with self._connection(connection) as used:
            new = await history.known_of(used, subject_id, since.version)
        if since.version == 0 and not self._are_theirs(new):
            return since
        loaded = self._after(since, (row.recorded for row in new))
        if connection is None and loaded.version:
            self._memory.keep(subject_id, loaded)
        return loaded

    async def history(
        self, subject_id: UUID, connection: Connection | None = None
    ) -> list[Recorded]:
        """All that the service knows of a subject, by version; of one of another kind nothing."""
        async with self._connection(connection) as used:
            known = await history.known_of(used, subject_id)
        return [row.recorded for row in known] if self._are_theirs(known) else []

    async def timeline(self, subject_id: UUID, after: int, limit: int) -> list[Signed]:
        """A page of what the service knows of a subject: versions above `after`, with
        signatures."""
        async with self._pool.acquire() as connection:
            return await history.known_of(connection, subject_id, after, limit)

    async def texts(self, subject_id: UUID, after: int, limit: int) -> list[TextsOf]:
        """The texts that are at hand of a page of the timeline."""
        async with self._pool.acquire() as connection:
            return await history.texts_of(connection, subject_id, after, limit)

    async def _in_turn(self, asked: "_Asked[C]") -> Carried:
        if not asked.must_exist and (carried := await self._on_memory(asked)) is not None:
            return carried
        # Commands of one subject stand in line in this process: they would only make each other
        # decide again. A command that opens one competes with nobody, and need not.
        async with self._in_line.setdefault(asked.subject_id, asyncio.Lock()):
            return await self._on_memory(asked) or await self._on_the_table(asked)

    async def _on_memory(self, asked: "_Asked[C]") -> Carried | None:
        """Decides on what this process remembers. It counts if nothing was said or heard since,
        and only the database can refuse: None stands for everything else."""
        if (remembered := self._remembered(asked)) is None:
            return None
        try:
            carried = await self._decide_and_append(asked, remembered)
        except (*REFUSALS, Conflict):
            return None
        return carried if carried.signed else None

    async def _on_the_table(self, asked: "_Asked[C]") -> Carried:
        """Decides on what the ledger holds, again and again while others come between."""
        async for attempt in AsyncRetrying(**TRIES):
            with attempt:
                return await self._decide_and_append(asked, await self.load(asked.subject_id))
        raise AssertionError("unreachable: tenacity re-raises")

    def _remembered(self, asked: "_Asked[C]") -> Loaded[S] | None:
        return self._memory.get(asked.subject_id) or (
            None if asked.must_exist else Loaded(self.rules.initial, 0)
        )

    async def _decide_and_append(self, asked: "_Asked[C]", loaded: Loaded[S]) -> Carried:
        if asked.must_exist and loaded.version == 0:
            raise Missing(f"{self.rules.kind} {asked.subject_id}")
        if asked.expected_version is not None and asked.expected_version != loaded.version:
            raise Stale(asked.expected_version, loaded.version)
        with telemetry.linked_span(type(asked.command).__name__, loaded.traceparents):
            decided, edition = self._decide(asked.command, loaded.state, asked.context)
            if not decided:
                return Carried(asked.subject_id, loaded.version, ())
            signed = await self.writer.submit(
                Proposal(
                    asked.subject_id,
                    loaded.version,
                    say(asked.subject_id, decided, asked.context, edition),
                    asked.idempotency,
                    asked.extra,
                    loaded.said_hash,
                )
            )
        if isinstance(signed, Again):
            if (earlier := await self._earlier(asked)) is None:
                raise Conflict(asked.subject_id, loaded.version, loaded.version)
            return earlier
        self._memory.keep(asked.subject_id, self._after(loaded, (row.recorded for row in signed)))
        return Carried(asked.subject_id, signed[-1].recorded.version, signed)

    def _are_theirs(self, known: Sequence[Signed]) -> bool:
        """Whether a subject's events, from its first, are of the kind that these rules are for."""
        return not known or kind_of(known[0].recorded.event.type) == self.rules.kind

    def _decide(self, command: C, state: S, context: Context) -> tuple[Sequence[EventData], int]:
        """What the command makes true, and under which edition of the rules."""
        edition = self.rules.edition(command, state)
        under = Context(context.now, context.actor, edition)
        return self.rules.decide(command, state, under), edition

    def _after(self, since: Loaded[S], recorded: Iterable[Recorded]) -> Loaded[S]:
        return since.after(recorded, self.rules.evolve, self.service)

    async def _earlier(self, asked: "_Asked[C]") -> Carried | None:
        """What was said under the command's idempotency key before."""
        if asked.idempotency is None:
            return None
        async with self._pool.acquire() as connection:
            signed = await history.said_under(connection, self.service, asked.idempotency)
        if not signed:
            return None
        last = signed[-1].recorded
        return Carried(last.event.subject_id, last.version, signed)

    @contextlib.asynccontextmanager
    async def _connection(self, given: Connection | None) -> AsyncIterator[Connection]:
        if given is not None:
            yield given
        else:
            async with self._pool.acquire() as pooled:
                yield pooled
