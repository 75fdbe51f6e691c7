"""Every message of both topics, checked as a patient receiver would, without any I/O."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.chain.findings import Finding
from shared.chain.link import EMPTY, Head, Verdict, judge
from shared.chain.trust import Trust
from shared.contract.catalogue import short_name
from shared.contract.topics import INCIDENT, kind_of
from shared.runtime.hear.judge import Heard, Parked, ParkReason, Record, examine
from shared.runtime.hear.texts import texts_of
from shared.runtime.repair.chain_numbers import Chain, ChainNumber, chain_number, printed
from shared.runtime.repair.settlements import Message, Settlements, message_of


@dataclass(slots=True)
class TextTopicCheck:
    """The topic of texts as it will stand once it is cleaned: the last message of each event.

    `erased` are the texts that their own speakers have erased and told away, by digest: to which
    offset of each partition the speaker has read. What came later it has not seen, and may tell
    away."""

    erased: Mapping[str, Mapping[int, int]]
    messages: int = 0
    last: dict[UUID, int] = field(default_factory=dict)
    """How many texts are told of each event."""
    _shown: dict[UUID, Finding] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        self.messages += 1
        try:
            event_id = UUID((record.key or b"").decode())
        except ValueError:
            return  # a person, or nothing
        told = texts_of([record]).get(event_id, [])
        self.last[event_id] = len(told)
        self._shown.pop(event_id, None)
        shown = [one for one in told if self._is_settled(one.digest, record)]
        if shown:
            where = f"topic of texts, partition {record.partition}, offset {record.offset}"
            detail = f"{len(shown)} of {len(told)} texts"
            self._shown[event_id] = Finding("disclosure_erased", where, detail, event_id)

    @property
    def findings(self) -> list[Finding]:
        return list(self._shown.values())

    def _is_settled(self, digest: str, record: Record) -> bool:
        read = self.erased.get(digest)
        return read is not None and record.offset < read.get(record.partition, 0)


@dataclass(slots=True)
class TopicCheck:
    """The topic as an auditor hears it from its first message on, with a receiver's patience: an
    event that comes too early, or before a good copy of itself, is a finding only if `finish` is
    reached while it still waits. Until then `findings` and `settled` are empty."""

    trust: Trust
    heads: dict[Chain, Head] = field(default_factory=dict)
    hashes: dict[ChainNumber, bytes] = field(default_factory=dict)
    types: Counter[str] = field(default_factory=Counter)
    incidents: set[UUID] = field(default_factory=set)
    messages: int = 0
    copies: int = 0
    spoilt: int = 0
    """Copies whose own signature is false: the same bytes are there with a true one."""
    settled: list[Finding] = field(default_factory=list)
    """Findings that two persons have settled on the record."""
    findings: list[Finding] = field(default_factory=list)
    _early: dict[ChainNumber, Heard] = field(default_factory=dict)
    _doubted: list[Parked] = field(default_factory=list)
    _found: list[tuple[Message, Finding]] = field(default_factory=list)
    _settlements: Settlements = field(default_factory=Settlements)

    def take(self, record: Record) -> None:
        self.messages += 1
        self._take_all([record])

    def finish(self) -> None:
        """The end of the topic. A chain is followed across what it lacks, so that each hole is one
        finding."""
        for number in sorted(self._early):
            if (heard := self._early.pop(number, None)) is not None:
                self._find_before(ParkReason.GAP, heard)
                self._take_all(self._follow(heard))
        for parked in self._doubted:
            self._doubt(parked)
        self._doubted.clear()
        for finding, settled in self._settlements.apply(self._found):
            (self.settled if settled else self.findings).append(finding)
        self._found.clear()

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
        """Returns the records that waited for this one."""
        if isinstance(examined, Heard):
            return self._hear(examined)
        if examined.reason is ParkReason.UNTRUSTED and examined.event is not None:
            self._doubted.append(examined)
        else:
            self._find(examined)
        return ()

    def _hear(self, heard: Heard) -> Sequence[Record]:
        number = chain_number(heard.event)
        match verdict := judge(
            self.heads.get(number[:2], EMPTY), heard.event, self.hashes.get(number)
        ):
            case Verdict.DUPLICATE:
                self.copies += 1
            case Verdict.EQUIVOCATION:
                self._find_rival(heard)
            case Verdict.GAP:
                self._wait(heard, number)
            case Verdict.ACCEPT | Verdict.BROKEN_LINK:
                if verdict is Verdict.BROKEN_LINK:
                    self._find_before(ParkReason.BROKEN_LINK, heard)
                return self._follow(heard)
        return ()

    def _wait(self, heard: Heard, number: ChainNumber) -> None:
        first = self._early.setdefault(number, heard)
        if first.event.hash != heard.event.hash:
            self._find_rival(heard)
        elif first is not heard:
            self.copies += 1

    def _follow(self, heard: Heard) -> Sequence[Record]:
        event, (service, partition, sequence) = heard.event, chain_number(heard.event)
        self.heads[service, partition] = Head(sequence, event.hash)
        self.hashes[service, partition, sequence] = event.hash
        self.types[short_name(event.type)] += 1
        self._settlements.hear(event)
        if kind_of(event.type) == INCIDENT:
            self.incidents.add(event.subject_id)
        waited = []
        if (trust := self.trust.after(event)) is not self.trust:
            waited = [parked.record for parked in self._doubted]
            self.trust = trust
            self._doubted.clear()
        if (next_ := self._early.pop((service, partition, sequence + 1), None)) is not None:
            waited.append(next_.record)
        return waited

    def _doubt(self, parked: Parked) -> None:
        event = parked.event
        if event is not None and self.hashes.get(chain_number(event)) == event.hash:
            self.spoilt += 1
        else:
            self._find(parked)

    def _find_rival(self, heard: Heard) -> None:
        detail = printed(chain_number(heard.event))
        self._find(Parked(heard.record, ParkReason.EQUIVOCATION, detail, heard.event))

    def _find_before(self, reason: ParkReason, heard: Heard) -> None:
        detail = f"before {printed(chain_number(heard.event))}"
        self._find(Parked(heard.record, reason, detail, heard.event))

    def _find(self, parked: Parked) -> None:
        record, event = parked.record, parked.event
        where = f"topic partition {record.partition}, offset {record.offset}"
        finding = Finding(parked.reason.value, where, parked.detail, event.id if event else None)
        self._found.append((message_of(parked), finding))
