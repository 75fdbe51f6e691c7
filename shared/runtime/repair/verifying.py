"""What must hold of the whole history, checked without any I/O.

`TopicCheck` is fed every message of the topic, `LedgerCheck` every row of one service's ledger,
`compare` holds them against each other. Each violation is a finding; what the codes mean is in
findings.py."""

import hashlib
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from shared.chain.findings import Finding
from shared.chain.link import EMPTY, Head, Verdict, judge
from shared.chain.trust import Trust
from shared.contract.catalogue import not_theirs_to_say, short_name
from shared.contract.catalogue.system import ParkedSettled
from shared.contract.envelope import Event, MalformedEnvelope, read
from shared.contract.hashing import ZERO_HASH, event_hash
from shared.contract.topics import is_system
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.judge import Heard, Parked, ParkReason, Record, examine
from shared.runtime.process.database import Row

Place = tuple[ServiceName, int, int]
"""A chain and a number on it: service, partition, sequence."""


Message = tuple[int, int, str, str]
"""A message that is no event: partition, offset, SHA-256 of its value, and why."""


@dataclass(slots=True)
class TopicCheck:
    """The topic as an auditor hears it from its first message on, with a receiver's patience: what
    comes too early, or before a good copy of it, is a finding only when `finish` is reached without
    it."""

    trust: Trust
    heads: dict[tuple[ServiceName, int], Head] = field(default_factory=dict)
    hashes: dict[Place, bytes] = field(default_factory=dict)
    types: Counter[str] = field(default_factory=Counter)
    incidents: set[UUID] = field(default_factory=set)
    messages: int = 0
    copies: int = 0
    spoilt: int = 0
    """Copies whose own signature is false: the same bytes are there with a true one."""
    settled: list[Finding] = field(default_factory=list)
    """What would be findings, were it not for the word of two persons on the record."""
    findings: list[Finding] = field(default_factory=list)
    _early: dict[Place, Heard] = field(default_factory=dict)
    _doubted: list[tuple[Event, Parked]] = field(default_factory=list)
    _messages: list[Message] = field(default_factory=list)
    """Which message each finding is about."""
    _settlements: dict[Message, ParkedSettled] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        self.messages += 1
        self._take_all([record])

    def finish(self) -> None:
        """Nothing comes any more. A chain is followed across what it lacks, so that each hole is
        one finding."""
        for place in sorted(self._early):
            if (heard := self._early.pop(place, None)) is not None:
                self._find(ParkReason.GAP, heard.record, f"before {_name(place)}", heard.event)
                self._take_all(self._follow(heard))
        for event, parked in self._doubted:
            self._doubt(event, parked)
        self._doubted.clear()
        self._set_apart()

    def _set_apart(self) -> None:
        findings, self.findings = self.findings, []
        for message, finding in zip(self._messages, findings, strict=True):
            settlement = self._settlements.get(message)
            if settlement is None:
                self.findings.append(finding)
                continue
            who = f"{settlement.proposed_by} and {settlement.confirmed_by}"
            detail = f"settled by {who}: {settlement.reason}"
            self.settled.append(replace(finding, detail=detail))
        self._messages.clear()

    def order(self) -> dict[int, list[bytes]]:
        """The hashes of the events of each partition, in the order in which they were first
        heard."""
        partitions: dict[int, list[bytes]] = {}
        for (_, partition, _), hash_ in self.hashes.items():
            partitions.setdefault(partition, []).append(hash_)
        return partitions

    def _take_all(self, records: Sequence[Record]) -> None:
        due = deque(records)
        while due:
            due += self._take(examine(due.popleft(), self.trust))

    def _take(self, examined: Heard | Parked) -> Sequence[Record]:
        """Returns what has waited for it."""
        if isinstance(examined, Heard):
            return self._hear(examined)
        if examined.reason is ParkReason.UNTRUSTED and examined.event is not None:
            self._doubted.append((examined.event, examined))
        else:
            self._find(examined.reason, examined.record, examined.detail, examined.event)
        return ()

    def _hear(self, heard: Heard) -> Sequence[Record]:
        place = _place(heard.event)
        match verdict := judge(
            self.heads.get(place[:2], EMPTY), heard.event, self.hashes.get(place)
        ):
            case Verdict.DUPLICATE:
                self.copies += 1
            case Verdict.EQUIVOCATION:
                self._find(ParkReason.EQUIVOCATION, heard.record, _name(place), heard.event)
            case Verdict.GAP:
                self._wait(heard, place)
            case Verdict.ACCEPT | Verdict.BROKEN_LINK:
                if verdict is Verdict.BROKEN_LINK:
                    self._find(
                        ParkReason.BROKEN_LINK, heard.record, f"before {_name(place)}", heard.event
                    )
                return self._follow(heard)
        return ()

    def _wait(self, heard: Heard, place: Place) -> None:
        first = self._early.setdefault(place, heard)
        if first.event.hash != heard.event.hash:
            self._find(ParkReason.EQUIVOCATION, heard.record, _name(place), heard.event)
        elif first is not heard:
            self.copies += 1

    def _follow(self, heard: Heard) -> Sequence[Record]:
        event, (service, partition, sequence) = heard.event, _place(heard.event)
        self.heads[service, partition] = Head(sequence, event.hash)
        self.hashes[service, partition, sequence] = event.hash
        self.types[short_name(event.type)] += 1
        if isinstance(event.data, ParkedSettled):
            about = event.data
            message = partition, about.offset, about.value_sha256, about.parked_as
            self._settlements.setdefault(message, about)
        if not is_system(event.incident_id):
            self.incidents.add(event.incident_id)
        waited = []
        if (trust := self.trust.after(event)) is not self.trust:
            waited = [parked.record for _, parked in self._doubted]
            self.trust = trust
            self._doubted.clear()
        if (next_ := self._early.pop((service, partition, sequence + 1), None)) is not None:
            waited.append(next_.record)
        return waited

    def _doubt(self, event: Event, parked: Parked) -> None:
        if self.hashes.get(_place(event)) == event.hash:
            self.spoilt += 1
        else:
            self._find(parked.reason, parked.record, parked.detail, event)

    def _find(self, reason: ParkReason, record: Record, detail: str, event: Event | None) -> None:
        where = f"topic partition {record.partition}, offset {record.offset}"
        digest = hashlib.sha256(record.value).hexdigest()
        self._messages.append((record.partition, record.offset, digest, reason.value))
        self.findings.append(Finding(reason.value, where, detail, event.id if event else None))


@dataclass(slots=True)
class LedgerCheck:
    """One service's ledger: rows ordered by service, partition, sequence."""

    owner: ServiceName
    trust: Trust
    heads: dict[tuple[ServiceName, int], Head] = field(default_factory=dict)
    hashes: dict[Place, bytes] = field(default_factory=dict)
    incident_heads: dict[tuple[ServiceName, UUID], bytes] = field(default_factory=dict)
    versions: dict[UUID, list[int]] = field(default_factory=dict)
    ids: set[UUID] = field(default_factory=set)
    rows: int = 0
    findings: list[Finding] = field(default_factory=list)

    def take(self, row: Row) -> None:
        self.rows += 1
        place = (ServiceName(row["service"]), row["partition"], row["sequence"])
        where = f"{self.owner}'s ledger, {_name(place)}"
        self.versions.setdefault(row["incident_id"], []).append(row["version"])
        try:
            event = read(row["envelope"])
        except MalformedEnvelope as error:
            self._find("malformed", where, str(error), row["event_id"])
            self._advance(place, event_hash(row["envelope"]))
            return
        problems = list(self._problems(row, event, place))
        for code, detail in problems:
            self._find(code, where, detail, event.id)
        if not problems:
            self.trust = self.trust.after(event)
        self.ids.add(event.id)
        self.incident_heads[event.service, event.incident_id] = event.hash
        self._advance(place, event.hash)

    def _problems(self, row: Row, event: Event, place: Place) -> Iterator[tuple[str, str]]:
        columns = {
            "event_id": event.id,
            "incident_id": event.incident_id,
            "type": event.type,
            "service": event.service.value,
            "partition": event.link.partition,
            "sequence": event.link.sequence,
            "hash": event.hash,
        }
        if differing := [name for name, value in columns.items() if row[name] != value]:
            yield "row_changed", f"differs in {', '.join(differing)}"
        if (refusal := self.trust.refusal(event, row["signature"])) is not None:
            yield "untrusted", refusal
        if (why := not_theirs_to_say(event.type, event.service, event.incident_id)) is not None:
            yield "not_theirs_to_say", why
        head = self.heads.get(place[:2], EMPTY)
        if place[2] != head.sequence + 1:
            yield "gap", f"the number before it here is {head.sequence}"
        elif event.link.prevhash != head.hash:
            yield (
                "broken_link",
                f"names {event.link.prevhash.hex()[:16]}…, the event before it hashes to {head.hash.hex()[:16]}…",
            )
        if event.link.incidentprev != self.incident_heads.get(
            (event.service, event.incident_id), ZERO_HASH
        ):
            yield (
                "incident_link",
                "incidentprev is not the hash of the service's previous event of this incident",
            )
        if event.id in self.ids:
            yield "repeated_id", str(event.id)

    def _advance(self, place: Place, hash_: bytes) -> None:
        self.heads[place[:2]] = Head(place[2], hash_)
        self.hashes[place] = hash_

    def _find(self, code: str, where: str, detail: str, event_id: UUID | None = None) -> None:
        self.findings.append(Finding(code, where, detail, event_id))

    def finish(
        self, heads: Mapping[tuple[ServiceName, int], int], parked: Mapping[str, int]
    ) -> None:
        """`heads` are the numbers that the service's own chain table stands at, `parked` its
        unresolved messages by reason."""
        for (service, partition), sequence in heads.items():
            held = self.heads.get((service, partition), EMPTY).sequence
            if held < sequence:
                self._find(
                    "row_missing",
                    f"{self.owner}'s ledger, {service}/{partition}",
                    f"stood at {sequence}, holds {held}",
                )
        for incident_id, versions in self.versions.items():
            if sorted(versions) != list(range(1, len(versions) + 1)):
                self._find(
                    "version_gap",
                    f"{self.owner}'s ledger, incident {incident_id}",
                    f"holds {sorted(versions)}"[:200],
                )
        for reason, count in parked.items():
            self._find("waiting_parked", f"{self.owner}'s parked messages", f"{count} × {reason}")


def compare(topic: TopicCheck, ledger: LedgerCheck, relayed: Mapping[int, int]) -> list[Finding]:
    """A service's ledger against the topic; `relayed` is how far its relay says it has sent each
    partition.

    What is said and not relayed yet, or on the topic and not heard yet, is on its way and no
    finding."""
    findings: list[Finding] = []
    for place, hash_ in ledger.hashes.items():
        service, partition, sequence = place
        where = f"{ledger.owner}'s ledger, {_name(place)}"
        on_topic = topic.hashes.get(place)
        if on_topic is None and (service != ledger.owner or sequence <= relayed.get(partition, 0)):
            findings.append(Finding("not_on_topic", where, "missing on the topic"))
        elif on_topic is not None and on_topic != hash_:
            findings.append(
                Finding(
                    "differs_from_topic",
                    where,
                    f"{hash_.hex()[:16]}… here, {on_topic.hex()[:16]}… on the topic",
                )
            )
    for place in topic.hashes:
        service, partition, sequence = place
        held = ledger.heads.get((service, partition), EMPTY).sequence
        if place not in ledger.hashes and (service == ledger.owner or sequence < held):
            findings.append(
                Finding(
                    "not_in_ledger",
                    f"{ledger.owner}'s ledger, {_name(place)}",
                    "missing in the database",
                )
            )
    return findings


def _place(event: Event) -> Place:
    return event.link.service, event.link.partition, event.link.sequence


def _name(place: Place) -> str:
    service, partition, sequence = place
    return f"{service}/{partition} number {sequence}"
