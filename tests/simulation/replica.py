"""One process of a service: writer, relay, consumer, and review's sealer, in the order of I/O of
the modules that it mirrors.

All that decides is the product's own: `plan.plan`, `cursor.progress`, `judge.examine`,
`judge.receive` and `judge.placed`; the sealer stands in a module of its own. What stands here is
only the order of steps around them; each method names the function that it mirrors."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.chain.link import EMPTY, Head
from shared.contract import topics
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import Reported
from shared.contract.envelope import Event
from shared.contract.topics import partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.carry import cursor
from shared.runtime.hear import judge
from shared.runtime.hear.judge import Heard, Parked, ParkReason, Received, Record
from shared.runtime.hear.tables import Stretch
from shared.runtime.say import plan
from shared.runtime.say.conflicts import Conflict
from shared.runtime.say.plan import (
    UNHEARD_OF,
    Again,
    Idempotency,
    Proposal,
    Signed,
    SubjectHead,
    Turn,
)
from shared.runtime.say.writer import WRITERS
from shared.seal.growth import LogRefused
from tests.simulation.broker import Producer, Request
from tests.simulation.database import ConnectionLost, Database, Row, Transaction, UniqueViolation
from tests.simulation.schedule import Future, Steps, Task
from tests.simulation.sealer import Sealer
from tests.simulation.texts import Fenced, SendFailed, Texts, texts_record

if TYPE_CHECKING:
    from tests.simulation.world import World

TURN, BATCH, HEARD, WAITED = 6, 5, 7, 4
"""Smaller than in production, so that a short run has many turns and batches."""
ACK_WITHIN, LOOK_EVERY = 3.0, 0.1
ATTEMPTS = 8
CAUTIOUS = 2


class Refused(Exception):
    """Stands for Rejected, Missing and Stale."""


class KeyTaken(Exception):
    """Another writer took an idempotency key: since this turn's look, or at any time where it did
    not look."""


PASSING = (OSError,)


@dataclass(slots=True, eq=False)
class Command:
    """What a client asks of a replica; `answer` gets a tuple of Signed, "refused", or None when
    nobody knows."""

    tag: str
    incident_id: UUID
    data: Sequence[EventData]
    idempotency: Idempotency | None = None
    expected_version: int | None = None
    opens: bool = False
    decided_on: int | None = None
    """The version that the answer was decided on; None when it is the answer to an earlier
    request."""
    answer: Future = field(default_factory=Future)


@dataclass(slots=True, eq=False)
class Waiting:
    proposal: Proposal
    answer: Future = field(default_factory=Future)


class Replica(Texts):
    def __init__(self, name: str, service: ServiceName, world: "World", database: Database) -> None:
        self.name = name
        self.service = service
        self.world = world
        self.database = database
        self.alive = False
        self.session_lost = False
        self._tasks: list[Task] = []
        self.starts = 0
        self._queues: list[list[Waiting]] = []
        self._wakes: list[Future] = []
        self._remembered: dict[UUID, SubjectHead] = {}
        self._heads: dict[int, Head] = {}
        self._cautious = 0
        self._open: list[Command] = []
        self._producer: Producer | None = None
        self.heard_to: dict[int, int] = {}
        self.read_to: dict[int, int] = {}
        self.told_to: dict[int, int] = {}
        self.terms: Counter[int] = Counter()

    # The process

    def start(self) -> None:
        self.alive = True
        self.starts += 1
        self._queues, self._wakes = [[] for _ in range(WRITERS)], [Future() for _ in range(WRITERS)]
        self._remembered, self._heads, self._cautious = {}, {}, 0
        self.world.rebalance(self.service)
        siblings: Sequence[tuple[str, Callable[[], Steps]]] = (
            *((f"writer {number}", partial(self.writer, number)) for number in range(WRITERS)),
            ("relay", self.relay),
            ("consumer", self.consumer),
            ("texts", self.hear_texts),
            *((("sealer", self.seal),) if self.service is ServiceName.REVIEW else ()),
        )
        self._tasks = [self.spawn(name, self._persist(run)) for name, run in siblings]

    def spawn(self, name: str, steps: Steps) -> Task:
        return self.world.scheduler.spawn(f"{self.name} {name}", steps, self)

    def dies(self) -> bool:
        if self.world.chance("killed", self.name):
            self.die()
            return True
        return False

    def die(self) -> None:
        """kill -9: nothing that it knew is left; the servers notice and end its sessions."""
        self.alive = False
        self._end_producer()
        for task in self._tasks:
            task.kill()
        self._tasks = []
        self._give_up_lease()
        for command in self._open:
            self.world.scheduler.set(command.answer, None)
        self._open = []
        self.world.scheduler.spawn("restart", self._restart(), after=self.world.delay(0.5))

    def _restart(self) -> Steps:
        self.start()
        yield 0.0

    def _persist(self, run: Callable[[], Steps]) -> Steps:
        """Mirrors persistence.persist, and the process that stops loudly on a bug."""
        while True:
            try:
                yield from run()
            except PASSING as error:
                self.world.tell(self.name, f"interrupted, trying again: {error}")
                yield self.world.delay(0.1)
            except (UniqueViolation, LogRefused) as error:
                self.world.tell(self.name, f"stops on a bug: {error}")
                self.world.scheduler.spawn("end", self._end())
                yield Future()

    def _end(self) -> Steps:
        if self.alive:
            self.die()
        yield 0.0

    def seal(self) -> Steps:
        return Sealer(self, self.world.store).run()

    # Saying: ledger.Ledger and writer.Writer

    def ask(self, command: Command) -> None:
        self._open.append(command)
        self._tasks.append(self.spawn("command", self._answer(command)))

    def _answer(self, command: Command) -> Steps:
        try:
            answer = yield from self.carry_out(command)
        except (ConnectionLost, UniqueViolation):
            answer = None
        if command in self._open:
            self._open.remove(command)
        if self.world.chance("client's answer lost", self.name):
            answer = None
        self.world.scheduler.set(command.answer, answer)

    def carry_out(self, command: Command) -> Steps:
        """Mirrors Ledger.carry_out."""
        yield self.world.delay(0.001)
        verdict = yield from self._carry_out(command)
        if isinstance(verdict, Refused) and command.idempotency is not None:
            yield self.world.delay(0.001)
            verdict = self.earlier(command.idempotency) or verdict
        return "refused" if isinstance(verdict, Exception) else verdict

    def _carry_out(self, command: Command) -> Steps:
        """Mirrors Ledger._decide: on what this process remembers, then on what the database
        holds."""
        remembered = self._remembered.get(
            command.incident_id, UNHEARD_OF if command.opens else None
        )
        if remembered is not None:
            verdict = yield from self._decide_and_append(command, remembered)
            if not isinstance(verdict, Refused | Conflict):
                return verdict
        for _ in range(ATTEMPTS):
            yield self.world.delay(0.005)
            known = self.database.get("subject_head", command.incident_id, UNHEARD_OF)
            self._remembered[command.incident_id] = known
            verdict = yield from self._decide_and_append(command, known)
            if not isinstance(verdict, Conflict):
                return verdict
        return verdict

    def _decide_and_append(self, command: Command, known: SubjectHead) -> Steps:
        """Mirrors Ledger._decide_and_append and Writer.submit."""
        version = known.version
        if (not command.opens and version == 0) or command.expected_version not in {None, version}:
            return Refused()
        said = [self.world.say(command.incident_id, data, command.tag) for data in command.data]
        waiting = Waiting(
            Proposal(command.incident_id, version, said, command.idempotency, (), known.said_hash)
        )
        writer = partition_of(command.incident_id) % WRITERS
        self._queues[writer].append(waiting)
        self.world.scheduler.set(self._wakes[writer])
        yield waiting.answer
        verdict = waiting.answer.value
        if isinstance(verdict, ConnectionLost | UniqueViolation):
            raise verdict
        if isinstance(verdict, tuple):
            command.decided_on = version
            last = verdict[-1].recorded
            self._remembered[command.incident_id] = SubjectHead(last.version, last.event.hash)
        if isinstance(verdict, Again):
            yield self.world.delay(0.001)
            assert command.idempotency is not None
            return self.earlier(command.idempotency) or Conflict(
                command.incident_id, version, version
            )
        return verdict

    def earlier(self, idempotency: Idempotency) -> Any:
        """Mirrors Ledger._earlier."""
        taken = self.database.get("idempotency", idempotency.key)
        if taken is None:
            return None
        digest, places = taken
        if digest != idempotency.digest:
            return "refused"
        rows = [self.database.get("ledger", place) for place in places]
        return tuple(Signed(plan.Recorded(row.event, row.version), row.signature) for row in rows)

    def writer(self, number: int) -> Steps:
        """Mirrors Writer._take_turns."""
        while True:
            if not self._queues[number]:
                self._wakes[number] = Future()
                yield self._wakes[number]
            waiting, self._queues[number] = self._queues[number][:TURN], self._queues[number][TURN:]
            yield from self.commit(waiting)

    def commit(self, waiting: Sequence[Waiting], *, look: bool = False) -> Steps:
        """Mirrors Writer._commit."""
        proposals = [item.proposal for item in waiting]
        with self.database.transaction(f"{self.name} writer") as transaction:
            try:
                turn = yield from self.append(transaction, proposals, look=look)
            except (ConnectionLost, UniqueViolation, KeyTaken) as error:
                failure: Exception = error
            else:
                try:
                    yield from transaction.commit()
                except (ConnectionLost, UniqueViolation) as error:
                    self.be_cautious(proposals)
                    for item in waiting:
                        self.world.scheduler.set(item.answer, error)
                    return
                self._heads.update(turn.heads)
                self.answer(waiting, turn)
                return
        self.be_cautious(proposals)
        if isinstance(failure, KeyTaken) or (isinstance(failure, UniqueViolation) and not look):
            yield from self.commit(waiting, look=True)
        else:
            yield from self.commit_singly(waiting, failure)

    def append(
        self, transaction: Transaction, proposals: Sequence[Proposal], *, look: bool
    ) -> Steps:
        """Mirrors Writer._append."""
        if not look and not self._cautious:
            if (turn := (yield from self.append_remembered(transaction, proposals))) is not None:
                return turn
            self.be_cautious(proposals)
        self._cautious = max(0, self._cautious - 1)
        return (yield from self.append_within(transaction, proposals))

    def be_cautious(self, proposals: Sequence[Proposal]) -> None:
        """Mirrors Writer._be_cautious."""
        for proposal in proposals:
            if self._heads.pop(partition_of(proposal.subject_id), None) is not None:
                self._cautious = CAUTIOUS

    def answer(self, waiting: Sequence[Waiting], turn: Turn) -> None:
        for item, verdict in zip(waiting, turn.verdicts, strict=True):
            self.world.scheduler.set(item.answer, verdict)

    def commit_singly(self, waiting: Sequence[Waiting], error: Exception) -> Steps:
        """Mirrors Writer._commit_singly."""
        if len(waiting) == 1:
            self.world.scheduler.set(waiting[0].answer, error)
            return
        for item in waiting:
            yield from self.commit([item])

    def append_within(self, transaction: Transaction, proposals: Sequence[Proposal]) -> Steps:
        """Mirrors Writer.append_within and _look."""
        partitions = sorted({partition_of(proposal.subject_id) for proposal in proposals})
        yield from transaction.lock(partitions)
        yield from transaction.statement()
        keys = [
            proposal.idempotency.key for proposal in proposals if proposal.idempotency is not None
        ]
        heads = {
            number: transaction.get("chain", (self.service, number), EMPTY) for number in partitions
        }
        turn = plan.plan(
            proposals,
            heads,
            {
                proposal.subject_id: transaction.get(
                    "subject_head", proposal.subject_id, UNHEARD_OF
                )
                for proposal in proposals
            },
            {
                key: taken[0]
                for key in keys
                if (taken := transaction.get("idempotency", key)) is not None
            },
            self.world.speakers[self.service],
        )
        yield from self.say_next(transaction, proposals, turn, heads)
        return turn

    def append_remembered(self, transaction: Transaction, proposals: Sequence[Proposal]) -> Steps:
        """Mirrors Writer._append_remembered."""
        partitions = {partition_of(proposal.subject_id) for proposal in proposals}
        if not self._heads.keys() >= partitions:
            return None
        heads = {partition: self._heads[partition] for partition in partitions}
        known = {
            proposal.subject_id: SubjectHead(proposal.expected_version, proposal.said_hash)
            for proposal in proposals
        }
        turn = plan.plan(proposals, heads, known, {}, self.world.speakers[self.service])
        return turn if (yield from self.say_next(transaction, proposals, turn, heads)) else None

    def say_next(
        self,
        transaction: Transaction,
        proposals: Sequence[Proposal],
        turn: Turn,
        heads: Mapping[int, Head],
    ) -> Steps:
        """Mirrors the function of that name in the database, and Writer._write."""
        if not turn.rows:
            return True
        yield from transaction.lock(sorted(turn.heads))
        if any(
            transaction.get("chain", (self.service, number), EMPTY) != heads[number]
            for number in turn.heads
        ):
            return False
        yield from self.take_keys(transaction, proposals, turn)
        insert(transaction, turn.rows, [None] * len(turn.rows))
        self.keep_texts(transaction, turn.rows)
        yield from self.move_own_heads(transaction, turn)
        yield from self.forget(transaction, [row.recorded.event for row in turn.rows])
        return True

    def move_own_heads(self, transaction: Transaction, turn: Turn) -> Steps:
        yield from transaction.statement()
        for number, head in turn.heads.items():
            transaction.put("chain", (self.service, number), head)
        for incident_id, incident in turn.subjects.items():
            transaction.put("subject_head", incident_id, incident)

    def take_keys(
        self, transaction: Transaction, proposals: Sequence[Proposal], turn: Turn
    ) -> Steps:
        """Within say_next: a key that another transaction holds is waited for, and then is taken,
        or free again."""
        taken = [
            (proposal.idempotency, [place_of(row.recorded.event) for row in verdict])
            for proposal, verdict in zip(proposals, turn.verdicts, strict=True)
            if proposal.idempotency is not None and isinstance(verdict, tuple)
        ]
        yield from transaction.lock(sorted({f"key {idempotency.key}" for idempotency, _ in taken}))
        for idempotency, places in taken:
            try:
                transaction.insert("idempotency", idempotency.key, (idempotency.digest, places))
            except UniqueViolation as error:
                raise KeyTaken from error

    # Relaying: relay.Relay

    def relay(self) -> Steps:
        """Mirrors Relay.run and lease.lease."""
        self.session_lost = False
        while self.database.get("lease", "relay") not in (None, self):
            yield self.world.delay(0.25)
        self.database.tables["lease"]["relay"] = self
        try:
            yield from self._relay_session()
            with self.database.transaction(f"{self.name} relay") as transaction:
                yield from transaction.lock(["relay_lease"])
                epoch = transaction.get("relay_lease", "epoch", 0) + 1
                transaction.put("relay_lease", "epoch", epoch)
                yield from transaction.commit()
            self._producer = self.new_producer()
            while True:
                yield from self.relay_all(epoch)
                yield LOOK_EVERY
        finally:
            self._end_producer()
            self._give_up_lease()

    def new_producer(self) -> Producer:
        return self.world.broker.producer()

    def _end_producer(self) -> None:
        if self._producer is not None:
            self._producer.alive = False
            self._producer = None

    def _give_up_lease(self) -> None:
        if self.database.get("lease", "relay") is self:
            self.database.tables["lease"]["relay"] = None

    def _relay_session(self) -> Steps:
        """A statement on the lease's own connection. The lease may go with that session, or, behind
        a pooler, without it."""
        yield self.world.delay(0.001)
        if self.world.chance("lease lost with its session", self.name):
            self._give_up_lease()
            self.session_lost = True
        if self.world.chance("lease lost, session lives", self.name):
            self._give_up_lease()
        if self.session_lost:
            yield self.world.delay(0.5)
            raise ConnectionLost(f"{self.name}: the relay's session is gone")

    def next_batches(self, reached: Mapping[int, int]) -> list[tuple[int, list[Row]]]:
        """Mirrors relay.NEXT: the rows, with their texts as they are at this moment."""
        found = (
            (
                number,
                [
                    replace(row, texts=self.texts_at_hand(row.event.id))
                    for row in self.database.after(self.service, number, reached[number], BATCH)
                ],
            )
            for number in reached
        )
        return [(number, rows) for number, rows in found if rows]

    def relay_all(self, epoch: int) -> Steps:
        """Mirrors Relay._relay: the next round is read while one travels."""
        yield from self.retell()
        yield from self._relay_session()
        reached = {
            number: self.database.get("relay_cursor", number, 0) for number in self.world.partitions
        }
        batches = self.next_batches(reached)
        while batches:
            ends = reached | {number: rows[-1].event.link.sequence for number, rows in batches}
            flying = self.send(batches)
            yield from self._relay_session()
            following = self.next_batches(ends)
            sent = yield from self.answers(flying)
            yield from self._relay_session()
            moved = cursor.progress({one.partition: reached[one.partition] for one in sent}, sent)
            self.move(epoch, moved.cursors)
            if moved.failed:
                self.send_failed()
            reached, batches = ends, following
            if (yield from self.breaks_off()):
                break

    def breaks_off(self) -> Steps:
        """Whether texts are to be told again: what was read before is dropped."""
        yield from self._relay_session()
        return self.anything_to_retell()

    def send(
        self, batches: Sequence[tuple[int, Sequence[Row]]]
    ) -> "list[tuple[Sequence[Row], Sequence[Request]]]":
        """Mirrors the first half of Relay._send, and Relay._send_one."""
        assert self._producer is not None
        flying = []
        for number, rows in batches:
            events = [message(row) for row in rows]
            requests = [self.world.broker.send(self._producer, number, events)]
            beside = [texts_record(row.event.id, number, row.texts) for row in rows if row.texts]
            if beside:
                requests.append(self._send_beside(number, beside))
            flying.append((rows, requests))
        self.give_up_later([request for _, requests in flying for request in requests])
        return flying

    def answers(self, flying: "list[tuple[Sequence[Row], Sequence[Request]]]") -> Steps:
        """Mirrors the second half of Relay._send: waits for every answer, and for none longer than
        the deadline."""
        every = [request for _, requests in flying for request in requests]
        for request in every:
            yield request.answer
        if any(request.answer.value is None for request in every):
            raise SendFailed(f"{self.name}: no acknowledgement in time")
        return [
            cursor.Sent(
                requests[0].partition,
                [row.event.link.sequence for row in rows],
                acknowledged=self.both_acknowledged(requests),
            )
            for rows, requests in flying
        ]

    def both_acknowledged(self, requests: Sequence[Request]) -> bool:
        """Events and their texts."""
        return all(request.answer.value for request in requests)

    def give_up_later(self, requests: Sequence[Request]) -> None:
        self.world.scheduler.spawn("deadline", self._give_up(requests), after=ACK_WITHIN)

    def relay_statement(self) -> Steps:
        yield from self._relay_session()

    def _give_up(self, requests: Sequence[Request]) -> Steps:
        for request in requests:
            self.world.scheduler.set(request.answer, None)
        yield 0.0

    def send_failed(self) -> None:
        raise SendFailed(f"{self.name}: a batch failed")

    def move(self, epoch: int, cursors: Mapping[int, int]) -> None:
        """Mirrors relay.move: one statement."""
        if self.fenced(epoch):
            raise Fenced(f"{self.name}: fenced")
        self.database.tables["relay_cursor"].update(cursors)

    def fenced(self, epoch: int) -> bool:
        return bool(self.database.get("relay_lease", "epoch", 0) != epoch)

    # Hearing: consumer.Consumer

    def consumer(self) -> Steps:
        """Mirrors Consumer.run and _hear_next with _FromDatabase. Each partition's positions:
        where it is heard to, and where it is read to."""
        generation = 0
        self.heard_to, self.read_to, self.terms = {}, {}, Counter()
        while True:
            yield self.world.delay(0.05)
            if self.world.chance("rebalanced", self.name):
                self.world.rebalance(self.service)
            if generation != self.world.generation[self.service]:
                generation = self.world.generation[self.service]
                yield self.world.delay(0.005)
                for number in self.read_to:
                    self.terms[number] += 1
                self.read_to = {}
                self.go_on(self.world.assigned(self))
                for number in tuple(self.read_to):
                    yield from self.take_up(number)
            hearing: list[Future] = []
            self.notice_if_elsewhere()
            for number, term, stretch, records in self.getmany():
                if self.world.chance("paused with a batch in hand", self.name):
                    yield self.world.delay(5.0)
                elif self.world.chance("rebalanced in a batch", self.name):
                    self.world.rebalance(self.service)
                hearing.append(self._hear_aside(number, term, stretch, records))
            yield from hearing
            if failed := [done.value for done in hearing if done.value is not None]:
                raise failed[0]

    def _hear_aside(
        self, number: int, term: int, stretch: Stretch, records: Sequence[Record]
    ) -> Future:
        """Partitions are heard side by side; the Future gets the error, or None."""
        done = Future()
        self._tasks.append(
            self.spawn("hearing", self._hear_into(done, number, term, stretch, records))
        )
        return done

    def _hear_into(
        self, done: Future, number: int, term: int, stretch: Stretch, records: Sequence[Record]
    ) -> Steps:
        """Mirrors Consumer._hear_all."""
        error = None
        try:
            if term == self.terms[number]:
                yield from self.hear(number, records, stretch)
            if term == self.terms[number]:
                self.heard_to[number] = stretch.end
        except Fenced:
            self.go_on([number])
        except (ConnectionLost, UniqueViolation) as failed:
            error = failed
        self.world.scheduler.set(done, error)

    def go_on(self, partitions: Iterable[int]) -> None:
        """Mirrors Consumer.go_on."""
        for number in partitions:
            self.heard_to[number] = self.read_to[number] = self.position(number)
            self.terms[number] += 1

    def notice_if_elsewhere(self) -> None:
        """Mirrors Consumer._notice_if_elsewhere."""
        self.go_on(
            [number for number in self.read_to if self.heard_to[number] != self.position(number)]
        )

    def position(self, number: int) -> int:
        return int(self.database.get("heard_offset", number, 0))

    def getmany(self) -> list[tuple[int, int, Stretch, Sequence[Record]]]:
        """Mirrors the fetcher with auto_offset_reset="earliest": out of range starts again from the
        beginning."""
        batches = []
        for number, position in self.read_to.items():
            log = self.world.broker.logs[number]
            start = position if position <= len(log) else 0
            if records := log[start : start + HEARD]:
                self.read_to[number] = start + len(records)
                batches.append(
                    (number, self.terms[number], Stretch(position, start + len(records)), records)
                )
        return batches

    def hear(
        self, partition: int, records: Sequence[Record], stretch: Stretch | None = None
    ) -> Steps:
        """Mirrors Receiver.hear."""
        left = yield from self._hear(partition, records, stretch)
        while left:
            left = yield from self._hear(partition, (), None)

    def take_up(self, partition: int) -> Steps:
        """Mirrors Receiver.take_up."""
        yield from self.hear(partition, ())
        trusted = [
            parked.record
            for parked, resolved in self.database.tables["parked", partition].values()
            if not resolved and parked.reason is ParkReason.UNTRUSTED
            if isinstance(self.world.examine(parked.record, self.service), Heard)
        ]
        if trusted:
            yield from self.hear(partition, trusted)

    def _hear(self, partition: int, records: Sequence[Record], stretch: Stretch | None) -> Steps:
        """Mirrors HearTransaction.hear: whether more waits than one transaction takes."""
        examined = [self.world.examine(record, self.service) for record in records]
        with self.database.transaction(f"{self.name} consumer") as transaction:
            received, left = yield from self._judge(transaction, partition, examined)
            yield from transaction.statement()
            self.record(transaction, received)
            yield from self.forget(transaction, [heard.event for heard in received.accepted])
            self.park(transaction, received.parked)
            self.resolve(transaction, partition, received)
            yield from self._react(transaction, received.accepted)
            if stretch is not None:
                yield from transaction.lock([("heard_offset", partition)])
                if not self.stands_at(transaction, partition, stretch.start):
                    raise Fenced(
                        f"{self.name}: partition {partition} is heard by another, or from elsewhere"
                    )
                transaction.put("heard_offset", partition, stretch.end)
            yield from transaction.commit()
        return left

    def stands_at(self, transaction: Transaction, partition: int, start: int) -> bool:
        """Mirrors tables.heard_to, which asks when it writes."""
        return bool(transaction.get("heard_offset", partition, 0) == start)

    def _judge(
        self, transaction: Transaction, partition: int, examined: Sequence[Heard | Parked]
    ) -> Steps:
        """Mirrors HearTransaction._hear_part, _waited and _judge. The lane stands for the
        partition's chain rows, which are locked together."""
        yield from transaction.lock([partition])
        yield from transaction.statement()
        heads = {
            service: transaction.get("chain", (service, partition), EMPTY)
            for service in self.world.services
        }
        waited = self.waited(
            transaction,
            partition,
            examined,
            {chain: head.sequence for chain, head in heads.items()},
        )
        early = [item for item in waited if isinstance(item, Heard)]
        examined = [*(item for item in waited if isinstance(item, Parked)), *examined]
        again = [
            item.event
            for item in (*examined, *early)
            if isinstance(item, Heard)
            and item.event.link.sequence <= heads[item.event.service].sequence
        ]
        rows = [
            row.event
            for event in again
            if (row := transaction.get("ledger", place_of(event))) is not None
        ]
        known = {(event.service, event.link.sequence): event.hash for event in rows}
        received = judge.receive(self.service, heads, known, early, examined)
        moved = {heard.event.service for heard in received.accepted}
        return received, any(
            [item.event.service for item in early].count(service) == WAITED for service in moved
        )

    def waited(
        self,
        transaction: Transaction,
        partition: int,
        examined: Sequence[Heard | Parked],
        heads: Mapping[ServiceName, int],
    ) -> list[Heard | Parked]:
        """Mirrors parking.waited."""
        heard = {
            (item.event.service, item.event.link.sequence)
            for item in examined
            if isinstance(item, Heard)
        }
        waiting = [
            (parked.event.service, parked.event.link.sequence, parked.record)
            for parked, resolved in transaction.scan(("parked", partition)).values()
            if not resolved and parked.reason is ParkReason.GAP
        ]
        due = {
            service
            for service, sequence, _ in waiting
            if (service, sequence - 1) in heard | set(heads.items())
        }
        return [
            self.world.examine(record, self.service)
            for chain in sorted(due)
            for _, _, record in sorted(
                (item for item in waiting if item[0] == chain and item[1] > heads[chain]),
                key=lambda item: item[1],
            )[:WAITED]
        ]

    def record(self, transaction: Transaction, received: Received) -> None:
        """Mirrors HearTransaction._record."""
        if not received.accepted:
            return
        incidents = {
            heard.event.subject_id: transaction.get(
                "subject_head", heard.event.subject_id, UNHEARD_OF
            )
            for heard in received.accepted
        }
        rows, moved = judge.placed(self.service, received.accepted, incidents)
        insert(transaction, rows, [heard.record.offset for heard in received.accepted])
        self.move_heads(transaction, received.accepted[0].record.partition, received)
        for incident_id, incident in moved.items():
            transaction.put("subject_head", incident_id, incident)

    def move_heads(self, transaction: Transaction, partition: int, received: Received) -> None:
        for service, head in received.heads.items():
            if head.sequence:
                transaction.put("chain", (service, partition), head)

    def park(self, transaction: Transaction, parked: Sequence[Parked]) -> None:
        """Mirrors parking.park."""
        for item in parked:
            key = (item.record.offset, item.reason, item.record.value)
            transaction.put(("parked", item.record.partition), key, (item, False))

    def resolve(self, transaction: Transaction, partition: int, received: Received) -> None:
        """Mirrors parking.resolve."""
        heard = {
            (item.record.offset, item.event.hash)
            for item in (*received.accepted, *received.duplicates)
        }
        moved = {
            (item.record.offset, item.event.hash, item.reason)
            for item in received.parked
            if item.event
        }
        table = ("parked", partition)
        for key, (item, resolved) in transaction.scan(table).items():
            if resolved:
                continue
            message = (item.record.offset, item.event.hash)
            otherwise = any(one[:2] == message and one[2] is not item.reason for one in moved)
            waits = item.reason in {ParkReason.GAP, ParkReason.UNTRUSTED}
            row = transaction.get("ledger", place_of(item.event)) if waits else None
            copied = row is not None and row.event.envelope == item.record.value
            if message in heard or otherwise or copied:
                transaction.put(table, key, (item, True))

    def _react(self, transaction: Transaction, accepted: Sequence[Heard]) -> Steps:
        """Mirrors Reactions.to: what is said because of an event commits with it."""
        for heard in accepted:
            event = heard.event
            if (
                self.service is not ServiceName.NOTIFY
                or not isinstance(event.data, Reported)
                or not event.data.opens
            ):
                continue
            version = transaction.get("subject_head", event.subject_id).version
            said = self.world.say(
                event.subject_id, self.world.data[self.service], reaction_to(event)
            )
            yield from self.append_within(
                transaction, [Proposal(event.subject_id, version, [said])]
            )


def reaction_to(event: Event) -> str:
    return f"reaction to {event.id}"


def place_of(event: Event) -> tuple[ServiceName, int, int]:
    return event.link.service, event.link.partition, event.link.sequence


def insert(transaction: Transaction, rows: Sequence[Signed], offsets: Sequence[int | None]) -> None:
    """Mirrors record and say_next of the two tables modules, with the table's two unique keys."""
    for row, offset in zip(rows, offsets, strict=True):
        event, version = row.recorded.event, row.recorded.version
        transaction.insert("ledger", place_of(event), Row(event, version, row.signature, offset))
        transaction.insert("version", (event.subject_id, version), event.hash)


def message(row: Row) -> Record:
    event = row.event
    return Record(
        event.link.partition,
        -1,
        topics.key_of(event.subject_id),
        event.envelope,
        (),
        row.signature,
    )
