"""One simulated run: three services of two replicas each, their databases, the topic, clients, an
operator, and one seed.

Ed25519 is replaced here by keyed BLAKE2b, and what an envelope says is decoded once for all
receivers: both only for the model's speed. The pure functions take the signer (`Speaker.sign`) and
the keys (`Trust`) as inputs; turns, their paths and what is remembered of their roots are the
product's own, and everything else about a message, its place on the chain above all, is judged anew
by each receiver."""

import contextlib
import hashlib
import struct
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Final
from uuid import UUID

from shared.chain.link import EMPTY
from shared.chain.trust import Trust, TrustedKey
from shared.contract.catalogue.base import EventData
from shared.contract.catalogue.intake import Exposure, ReportChannel, Reported
from shared.contract.catalogue.notify import CommunicationWaived
from shared.contract.catalogue.review import (
    ContentErased,
    ErasedText,
    ErasureGround,
    LessonRecorded,
)
from shared.contract.disclosure import conceal, digests
from shared.contract.envelope import Event, Said
from shared.contract.hashing import signed_bytes
from shared.contract.topics import partition_of
from shared.contract.vocabulary import Audience, ServiceName
from shared.runtime.hear import judge
from shared.runtime.hear.judge import Heard, Parked, ParkReason, Record
from shared.runtime.say.plan import Idempotency, Signed, Speaker
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.keys import Verifier
from shared.tlog.merkle import verify_inclusion
from tests.simulation import adversary
from tests.simulation.broker import Broker
from tests.simulation.chance import Chance, Point
from tests.simulation.checking import Anomaly, Answer, Entry, History, Outcome, Texts, check
from tests.simulation.database import ConnectionLost, Database, Row, Transaction, UniqueViolation
from tests.simulation.replica import Command, Replica, reaction_to
from tests.simulation.schedule import Scheduler, Steps
from tests.simulation.sealer import Store
from tests.simulation.texts import BESIDE, last_told

FAULTS: Final[dict[str, float]] = {
    "request lost": 0.15,
    "request failed": 0.08,
    "request late": 0.06,
    "leader changed": 0.05,
    "log truncated": 0.02,
    "acknowledgement lost": 0.15,
    "acknowledgement late": 0.06,
    "failed though appended": 0.1,
    "connection lost": 0.02,
    "rolled back": 0.06,
    "answer lost after commit": 0.08,
    "client's answer lost": 0.1,
    "killed": 0.005,
    "lease lost with its session": 0.02,
    "lease lost, session lives": 0.02,
    "rebalanced": 0.03,
    "rebalanced in a batch": 0.12,
    "paused with a batch in hand": 0.05,
    "key not trusted yet": 0.06,
    **adversary.FAULTS,
}
"""How often each fault happens where it can, on average over seeds."""

SERVICES: Final = (ServiceName.INTAKE, ServiceName.NOTIFY, ServiceName.REVIEW)
DATA: Final[Mapping[ServiceName, EventData]] = {
    ServiceName.INTAKE: Reported(
        opens=False, channel=ReportChannel.API, description="x", exposure=Exposure(url="https://x")
    ),
    ServiceName.NOTIFY: CommunicationWaived(audience=Audience.PRESS, reason="x"),
    ServiceName.REVIEW: LessonRecorded(text="x"),
}
OPENS: Final = Reported(opens=True, channel=ReportChannel.API, description="x")
ERASED: Final = 0.15
"""How often a client has something erased instead."""
START: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
CLIENTS, PARTITIONS, SETTLES_WITHIN = 12, 2, 120.0


@cache
def incidents() -> tuple[UUID, ...]:
    """Ids of incidents on the two partitions that a run uses, so that each chain is long."""
    ids = (UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000 + number) for number in range(20_000))
    return tuple(id_ for id_ in ids if partition_of(id_) < PARTITIONS)


def sign(service: ServiceName, message: bytes) -> bytes:
    return hashlib.blake2b(message, key=service.encode()).digest()


def weights(seed: int) -> dict[str, float]:
    """Swarm testing: each seed leaves some faults out and has much of others, since one fault may
    hide what another shows."""
    random = Random(f"weights {seed}")
    return {kind: weight * random.choice((0.0, 0.3, 1.0, 2.7)) for kind, weight in FAULTS.items()}


class CheapKey(Verifier):
    """A service's stand-in key: its public half is the service's name."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        return signature == sign(ServiceName(self.name), message)


def trust_without(missing: frozenset[ServiceName]) -> Trust:
    """Every service's stand-in key, except those that the trust file of this receiver does not name
    yet."""
    keyid = bytes.fromhex(adversary.KEYID)
    return Trust(
        TrustedKey(service, partition, 1, CheapKey(service.value, keyid, service.value.encode()))
        for service in SERVICES
        if service not in missing
        for partition in range(PARTITIONS)
    )


@dataclass(frozen=True, slots=True)
class Result:
    seed: int
    faults: Mapping[str, int]
    fired: Sequence[Point]
    anomalies: Sequence[Anomaly]
    trace: Sequence[str]
    events: int
    steps: int


class World:
    services = SERVICES
    data = DATA
    start = START

    def __init__(
        self,
        seed: int,
        commands: int,
        only: frozenset[Point] | None = None,
        *,
        tracing: bool = False,
        settles_within: float = SETTLES_WITHIN,
    ) -> None:
        self.seed = seed
        self.scheduler = Scheduler()
        self.chance = Chance(seed, weights(seed), only)
        self.trace: list[str] | None = [] if tracing else None
        self.chance.tell = self.tell
        self._timing = Random(f"timing {seed}")
        self.partitions = tuple(range(PARTITIONS))
        self.beside = tuple(number + BESIDE for number in self.partitions)
        self.broker = Broker(
            (*self.partitions, *self.beside), self.scheduler, self.chance, self.delay
        )
        self.broker.truncated = self._truncated
        self.databases = {
            service: Database(service.value, self.scheduler, self.chance, self.delay)
            for service in SERVICES
        }
        self.speakers = {
            service: Speaker(
                service,
                adversary.KEYID,
                lambda message, service=service: self.sign(service, message),
            )  # type: ignore[misc]
            for service in SERVICES
        }
        self.replicas = [
            Replica(f"{service}-{letter}", service, self, self.databases[service])
            for service in SERVICES
            for letter in "ab"
        ]
        self.store = Store()
        self.trusts: dict[frozenset[ServiceName], Trust] = {}
        self.trust = self.trusts[frozenset()] = trust_without(frozenset())
        self.signed: dict[bytes, bytes] = {}
        self.adversary = adversary.Adversary(
            replace(self.chance, seed=-1 - seed),
            Random(f"adversary {seed}"),
            self.sign,
            lambda number: self.broker.logs[number],
            {service: conceal(data, lambda: bytes(16))[0] for service, data in DATA.items()},
        )
        self.broker.tamper = lambda number, records: (
            self.adversary.tamper(number, records)
            if number < BESIDE
            else self.adversary.tell_lies(number, records)
        )
        self._salts = Random(f"salts {seed}")
        self._told: list[Signed] = []
        self.generation: Counter[ServiceName] = Counter()
        self.answers: list[Answer] = []
        self.missing_keys: dict[ServiceName, frozenset[ServiceName]] = defaultdict(frozenset)
        self._distrustful: set[ServiceName] = set()
        self._assignment: dict[tuple[ServiceName, int], Replica] = {}
        self._examined: dict[tuple[bytes, bytes, int, frozenset[ServiceName]], Heard | Parked] = {}
        self._commands = commands
        self._settles_within = settles_within
        self._open_incidents: list[UUID] = []
        self._clients_done = 0
        self._truncations = self._rewound = 0

    def sign(self, service: ServiceName, message: bytes) -> bytes:
        """Remembers what was signed, for whoever checks the ledgers at the end."""
        signature = sign(service, message)
        self.signed[signature] = message
        return signature

    def delay(self, mean: float) -> float:
        return mean * (0.2 + 1.6 * self._timing.random())

    def tell(self, who: str, what: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.scheduler.now:9.3f}  {who:<16} {what}")

    # What replicas ask of the world

    def say(self, incident_id: UUID, data: EventData, tag: str) -> Said:
        """Mirrors utterance.say; the actor carries the client's mark."""
        bare, disclosures = conceal(data, lambda: self._salts.randbytes(16))
        event_id = UUID(int=self._timing.getrandbits(128))
        return Said(event_id, incident_id, START, tag, bare, "simulated", disclosures=disclosures)

    def examine(self, record: Record, receiver: ServiceName) -> Heard | Parked:
        missing = self.missing_keys[receiver]
        key = (record.value, record.signature, record.partition, missing)
        if (known := self._examined.get(key)) is None:
            trust = self.trusts.setdefault(missing, trust_without(missing))
            known = self._examined[key] = judge.examine(record, trust)
        if isinstance(known, Heard):
            return Heard(known.event, record)
        return Parked(record, known.reason, known.detail, known.event)

    def assigned(self, replica: Replica) -> list[int]:
        return [
            number
            for number in self.partitions
            if self._assignment.get((replica.service, number)) is replica
        ]

    def rebalance(self, service: ServiceName) -> None:
        alive = [
            replica for replica in self.replicas if replica.service is service and replica.alive
        ]
        self.generation[service] += 1
        for number in self.partitions:
            if alive:
                self._assignment[service, number] = self._timing.choice(alive)

    # Clients

    def _client(self, name: str, commands: int) -> Steps:
        for number in range(commands):
            # In bursts, so that commands share commits, with time in between for what takes longer.
            yield self.delay(4.0) if self._timing.random() < 0.2 else self.delay(0.004)
            command, attempts = self._next_command(f"{name}.{number}")
            answer = None
            for _ in range(attempts):
                answer = yield from self._ask(command)
                if answer is not None:
                    break
                command = Command(
                    command.tag,
                    command.incident_id,
                    command.data,
                    command.idempotency,
                    command.expected_version,
                    command.opens,
                )
            self._note(command, answer)
            if self.chance("key not trusted yet", name):
                self.scheduler.spawn("trust file", self._distrust())
        self._clients_done += 1

    def _next_command(self, tag: str) -> tuple[Command, int]:
        """A command, and how often its client asks: only under an idempotency key may it ask
        again."""
        random = self._timing
        keyed = random.random() < 0.7
        idempotency = Idempotency(tag, tag.encode()) if keyed else None
        if not self._open_incidents or random.random() < 0.3:
            incident, service, data = random.choice(incidents()), ServiceName.INTAKE, [OPENS]
        else:
            incident = random.choice(self._open_incidents[-6:])
            service = random.choice(SERVICES)
            data = [DATA[service]] * random.choice((1, 1, 1, 2))
            if self._told and self._salts.random() < ERASED:
                service, data = ServiceName.REVIEW, [self._erasure()]
        expected = random.choice((1, 2)) if random.random() < 0.1 else None
        if keyed and random.random() < 0.05:
            idempotency = Idempotency("shared", tag.encode())
        command = Command(tag, incident, data, idempotency, expected, opens=data == [OPENS])
        return command, 12 if keyed else 1

    def _erasure(self) -> ContentErased:
        """Of all texts of an event that was said lately, or of one of them."""
        signed = self._salts.choice(self._told[-8:])
        texts = [
            ErasedText(event_id=signed.recorded.event.id, name=one.named()[0], digest=one.digest)
            for one in signed.disclosures
        ]
        return ContentErased(
            erasure_id=UUID(int=self._salts.getrandbits(128)),
            ground=ErasureGround.OBJECTION,
            texts=tuple(texts[: self._salts.choice((1, len(texts)))]),
            requested_by="service:review",
        )

    def _ask(self, command: Command) -> Steps:
        service = command.data[0].SAID_BY
        alive = [
            replica for replica in self.replicas if replica.service is service and replica.alive
        ]
        if not alive:
            yield self.delay(0.5)
            return None
        self._timing.choice(alive).ask(command)
        yield command.answer
        yield self.delay(0.01)
        return command.answer.value

    def _note(self, command: Command, answer: object) -> None:
        says = len(command.data)
        self.tell(
            "client",
            f"{command.tag}: {'accepted' if isinstance(answer, tuple) else answer or 'unknown'}",
        )
        if isinstance(answer, tuple):
            events = tuple(signed.recorded.event.hash for signed in answer)
            self._told += [signed for signed in answer if signed.disclosures]
            self.answers.append(
                Answer(command.tag, Outcome.ACCEPTED, says, events, command.decided_on)
            )
            if command.incident_id not in self._open_incidents:
                self._open_incidents.append(command.incident_id)
        else:
            outcome = Outcome.REFUSED if answer == "refused" else Outcome.UNKNOWN
            self.answers.append(Answer(command.tag, outcome, says))

    # The operator

    def _distrust(self) -> Steps:
        """A receiver's trust file lacks a key for a while; then the operator adds it, and starts
        the receiver again or replays what was parked. The sealer, which has no replay, is always
        started again."""
        receiver, speaker = self._timing.sample(SERVICES, 2)
        self.missing_keys[receiver] |= {speaker}
        self._distrustful.add(receiver)
        self.tell("operator", f"{receiver} does not trust {speaker}'s key yet")
        yield self.delay(3.0)
        self.missing_keys[receiver] -= {speaker}
        if receiver is not ServiceName.REVIEW and self._timing.random() < 0.5:
            yield from self.replay_parked(receiver)
        else:
            for replica in self.replicas:
                if replica.service is receiver and replica.alive:
                    replica.die()

    def replay_parked(self, service: ServiceName) -> Steps:
        """`ledger parked replay`: each unresolved message by itself, in any order; mirrors
        replaying.replay_parked."""
        database = self.databases[service]
        rows = [
            item for number in self.partitions for item in database.tables["parked", number].items()
        ]
        self._timing.shuffle(rows)
        for key, (parked, _) in rows:
            alive = [
                replica for replica in self.replicas if replica.service is service and replica.alive
            ]
            if not alive:
                return
            if (
                parked.reason is not ParkReason.GAP
                and not database.get(("parked", parked.record.partition), key)[1]
            ):
                try:
                    yield from alive[0].hear(parked.record.partition, [parked.record])
                except (OSError, UniqueViolation):
                    yield self.delay(0.1)

    def _truncated(self) -> None:
        self._truncations += 1
        self.scheduler.spawn(
            "operator", self._relay_again(self._truncations), after=self.delay(0.7)
        )

    def _relay_again(self, truncation: int) -> Steps:
        """The broker has forgotten what it had acknowledged: every service relays its chains again
        and hears the topic from its beginning; receivers drop what they know. Mirrors
        rebuilding.relay_again."""
        for database in self.databases.values():
            done = False
            while not done:
                with (
                    contextlib.suppress(ConnectionLost),
                    database.transaction("operator") as transaction,
                ):
                    yield from self._set_back(transaction)
                    yield from transaction.commit()
                    done = True
        self.tell("operator", f"truncation {truncation}: relays all again")
        self._rewound += 1

    def _set_back(self, transaction: Transaction) -> Steps:
        """Mirrors tables.set_back."""
        yield from transaction.lock(
            [
                "relay_lease",
                *(("heard_offset", number) for number in self.partitions),
                *(("told_offset", number) for number in self.partitions),
                "log_state",
            ]
        )
        for table in ("relay_lease", "log"):
            transaction.put(table, "epoch", transaction.get(table, "epoch", 0) + 1)
        for table in ("relay_cursor", "heard_offset", "log_offset", "told_offset"):
            for number in self.partitions:
                transaction.put(table, number, 0)
        replica = next(one for one in self.replicas if one.database is transaction.database)
        for digest in transaction.scan("erased"):
            for event_id in transaction.scan(("under", digest)):
                replica.have_told_again(transaction, event_id)

    # The run

    def run(self) -> Result:
        for replica in self.replicas:
            replica.start()
        for number in range(CLIENTS):
            name = f"client-{number}"
            self.scheduler.spawn(name, self._client(name, self._commands // CLIENTS))
        self.scheduler.run(600.0, lambda: self._clients_done == CLIENTS)
        self.chance.off = self.adversary.chance.off = True
        self.scheduler.spawn("operator", self._tidy_up())
        self.scheduler.run(self.scheduler.now + self._settles_within, self._settled)
        anomalies = check(self.history())
        return Result(
            self.seed,
            Counter(kind for kind, _, _ in self.chance.fired),
            self.chance.fired,
            anomalies,
            self.trace or (),
            sum(len(entries) for entries in self.history().ledgers.values()),
            self.scheduler.steps,
        )

    def _tidy_up(self) -> Steps:
        """At the end every trust file is whole, and who ever had a shorter one starts again: what
        can be heard and sealed must be, by that alone. The others run on, so that whoever is stuck
        is seen."""
        self.missing_keys.clear()
        for replica in self.replicas:
            if replica.service in self._distrustful and replica.alive:
                replica.die()
        yield 0.0

    def _settled(self) -> bool:
        return (
            self._rewound == self._truncations
            and not any(self._waiting(database) for database in self.databases.values())
            and len(self.store.shown)
            == sum(
                self._said(service, number) for service in SERVICES for number in self.partitions
            )
            and all(
                self._even(service, number) for service in SERVICES for number in self.partitions
            )
            and all(self._all_told(database) for database in self.databases.values())
        )

    def _all_told(self, database: Database) -> bool:
        return not any(database.tables["retold"].values()) and all(
            database.get("told_offset", number, 0) == len(self.broker.logs[number + BESIDE])
            for number in self.partitions
        )

    def _waiting(self, database: Database) -> int:
        """What no service has said waits for ever, as it should."""
        return sum(
            not done and item.record.value not in self.adversary.forged
            for number in self.partitions
            for item, done in database.tables["parked", number].values()
        )

    def _even(self, service: ServiceName, number: int) -> bool:
        """The service has relayed all that it said on the partition, and heard all that stands
        there."""
        database, log, said = (
            self.databases[service],
            self.broker.logs[number],
            self._said(service, number),
        )
        heard = all(
            self.databases[other].get("chain", (service, number), EMPTY).sequence == said
            for other in SERVICES
        )
        return (
            heard
            and database.get("relay_cursor", number, 0) == said
            and database.get("heard_offset", number, 0) == len(log)
        )

    def _said(self, service: ServiceName, number: int) -> int:
        return int(self.databases[service].get("chain", (service, number), EMPTY).sequence)

    def history(self) -> History:
        topic = {
            number: [
                entry(item.event)
                for record in log
                if isinstance(item := self.examine(record, ServiceName.TRIAGE), Heard)
            ]
            for number, log in self.broker.logs.items()
            if number < BESIDE
        }
        waiting = {
            service.value: self._waiting(database) for service, database in self.databases.items()
        }
        ledgers = {
            service.value: [
                replace(entry(row.event, row.version), signed=self._is_signed(row))
                for row in database.order
            ]
            for service, database in self.databases.items()
        }
        return History(
            [*self.answers, *self._reactions()],
            ledgers,
            topic,
            self.store.shown,
            self.store.earlier,
            waiting=waiting,
            truncated=self._truncations > 0,
            texts=self._texts(),
        )

    def _texts(self) -> Texts:
        said = [
            row.event
            for service, database in self.databases.items()
            for row in database.order
            if row.event.service is service
        ]
        held = {
            f"{service}'s texts": {
                digest
                for table, texts in database.tables.items()
                if isinstance(table, tuple) and table[0] == "of"
                for digest, text in texts.items()
                if text
            }
            for service, database in self.databases.items()
        }
        told: set[str] = set()
        for number in self.beside:
            told = told.union(*last_told(self.broker.logs[number]).values())
        return Texts(
            frozenset(digest for event in said for digest in digests(event.data)),
            frozenset(
                one.digest
                for event in said
                if isinstance(event.data, ContentErased)
                for one in event.data.texts
            ),
            {**held, "the topic of texts": told},
        )

    def _is_signed(self, row: Row) -> bool:
        """By the specifications, and by none of the code that signs and verifies turns."""
        event, signature = row.event, row.signature
        message = self.signed.get(signature[:64], b"")
        if signature[:64] != sign(event.service, message):
            return False
        if len(signature) == 64:
            return message == signed_bytes(event.envelope)
        try:
            head = Checkpoint.parse(message.decode())
        except (TlogError, UnicodeDecodeError):
            return False
        path = [signature[at : at + 32] for at in range(68, len(signature), 32)]
        index, size = struct.unpack_from(">HH", signature, 64)
        names_itself = head.origin == f"incident-ledger/turn/{head.root.hex()}"
        proven = verify_inclusion(index, size, event.hash, path, head.root)
        return names_itself and size == head.size and proven

    def _reactions(self) -> list[Answer]:
        """What notify must have said on its own: one reaction to each report that opened an
        incident."""
        return [
            Answer(reaction_to(row.event), Outcome.ACCEPTED)
            for row in self.databases[ServiceName.INTAKE].order
            if isinstance(row.event.data, Reported) and row.event.data.opens
        ]


def entry(event: Event, version: int | None = None) -> Entry:
    link = event.link
    return Entry(
        link.service.value,
        link.partition,
        link.sequence,
        event.hash,
        link.prevhash,
        str(event.subject_id),
        event.actor,
        version,
    )
