"""What must hold of the whole history, checked without any I/O.

`TopicCheck` is fed every message of the topic, `LedgerCheck` every row of one service's ledger, `compare` holds them against each
other. Each violation is a finding; what the codes mean is in findings.py.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from shared.contract.catalogue import not_theirs_to_say, short_name
from shared.contract.chain import EMPTY, Head, Verdict, judge
from shared.contract.envelope import Event, MalformedEnvelope, read
from shared.contract.hashing import ZERO_HASH, event_hash
from shared.contract.topics import is_system
from shared.contract.vocabulary import ServiceName
from shared.runtime.findings import Finding
from shared.runtime.receiving import Parked, ParkReason, Record, examine
from shared.runtime.trust import Trust
from shared.runtime.views import Row

Place = tuple[ServiceName, int, int]
"""A chain and a number on it: service, partition, sequence."""


@dataclass(slots=True)
class TopicCheck:
    """The topic as an auditor hears it from its first message on."""

    trust: Trust
    heads: dict[tuple[ServiceName, int], Head] = field(default_factory=dict)
    hashes: dict[Place, bytes] = field(default_factory=dict)
    types: Counter[str] = field(default_factory=Counter)
    incidents: set[UUID] = field(default_factory=set)
    messages: int = 0
    copies: int = 0
    findings: list[Finding] = field(default_factory=list)

    def take(self, record: Record) -> None:
        self.messages += 1
        where = f"topic partition {record.partition}, offset {record.offset}"
        examined = examine(record, self.trust)
        if isinstance(examined, Parked):
            self.findings.append(
                Finding(examined.reason.value, where, examined.detail, examined.event.id if examined.event else None)
            )
            return
        event = examined.event
        chain = (event.service, event.link.partition)
        place = (*chain, event.link.sequence)
        match verdict := judge(self.heads.get(chain, EMPTY), event, self.hashes.get(place)):
            case Verdict.DUPLICATE:
                self.copies += 1
            case Verdict.EQUIVOCATION:
                self.findings.append(Finding(ParkReason.EQUIVOCATION.value, where, _name(place), event.id))
            case Verdict.ACCEPT | Verdict.GAP | Verdict.BROKEN_LINK:
                if verdict is not Verdict.ACCEPT:
                    self.findings.append(Finding(verdict.value, where, f"before {_name(place)}", event.id))
                self.heads[chain] = Head(event.link.sequence, event.hash)
                self.hashes[place] = event.hash
                self.trust = self.trust.after(event)
                self.types[short_name(event.type)] += 1
                if not is_system(event.incident_id):
                    self.incidents.add(event.incident_id)

    def order(self) -> dict[int, list[bytes]]:
        """The hashes of the events of each partition, in the order in which they were first heard."""
        partitions: dict[int, list[bytes]] = {}
        for (_, partition, _), hash_ in self.hashes.items():
            partitions.setdefault(partition, []).append(hash_)
        return partitions


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
        if event.link.incidentprev != self.incident_heads.get((event.service, event.incident_id), ZERO_HASH):
            yield "incident_link", "incidentprev is not the hash of the service's previous event of this incident"
        if event.id in self.ids:
            yield "repeated_id", str(event.id)

    def _advance(self, place: Place, hash_: bytes) -> None:
        self.heads[place[:2]] = Head(place[2], hash_)
        self.hashes[place] = hash_

    def _find(self, code: str, where: str, detail: str, event_id: UUID | None = None) -> None:
        self.findings.append(Finding(code, where, detail, event_id))

    def finish(self, heads: Mapping[tuple[ServiceName, int], int], parked: Mapping[str, int]) -> None:
        """`heads` are the numbers that the service's own chain table stands at, `parked` its unresolved messages by reason."""
        for (service, partition), sequence in heads.items():
            held = self.heads.get((service, partition), EMPTY).sequence
            if held < sequence:
                self._find(
                    "row_missing", f"{self.owner}'s ledger, {service}/{partition}", f"stood at {sequence}, holds {held}"
                )
        for incident_id, versions in self.versions.items():
            if sorted(versions) != list(range(1, len(versions) + 1)):
                self._find(
                    "version_gap", f"{self.owner}'s ledger, incident {incident_id}", f"holds {sorted(versions)}"[:200]
                )
        for reason, count in parked.items():
            self._find("waiting_parked", f"{self.owner}'s parked messages", f"{count} × {reason}")


def compare(topic: TopicCheck, ledger: LedgerCheck, relayed: Mapping[int, int]) -> list[Finding]:
    """A service's ledger against the topic; `relayed` is how far its relay says it has sent each partition.

    What is said and not relayed yet, or on the topic and not heard yet, is on its way and no finding."""
    findings: list[Finding] = []
    for place, hash_ in ledger.hashes.items():
        service, partition, sequence = place
        where = f"{ledger.owner}'s ledger, {_name(place)}"
        on_topic = topic.hashes.get(place)
        if on_topic is None and (service != ledger.owner or sequence <= relayed.get(partition, 0)):
            findings.append(Finding("not_on_topic", where, "missing on the topic"))
        elif on_topic is not None and on_topic != hash_:
            findings.append(
                Finding("differs_from_topic", where, f"{hash_.hex()[:16]}… here, {on_topic.hex()[:16]}… on the topic")
            )
    for place in topic.hashes:
        service, partition, sequence = place
        held = ledger.heads.get((service, partition), EMPTY).sequence
        if place not in ledger.hashes and (service == ledger.owner or sequence < held):
            findings.append(
                Finding("not_in_ledger", f"{ledger.owner}'s ledger, {_name(place)}", "missing in the database")
            )
    return findings


def _name(place: Place) -> str:
    service, partition, sequence = place
    return f"{service}/{partition} number {sequence}"
