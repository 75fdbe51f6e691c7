"""Every row of one service's ledger, checked without any I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from shared.chain.findings import Finding
from shared.chain.link import EMPTY, Head
from shared.chain.trust import Trust
from shared.contract.catalogue import not_theirs_to_say
from shared.contract.catalogue.base import EventData
from shared.contract.disclosure import digests
from shared.contract.envelope import Event, MalformedEnvelope, read
from shared.contract.hashing import event_hash
from shared.contract.vocabulary import ServiceName
from shared.runtime.repair.chain_numbers import Chain, ChainNumber, printed


class LedgerRow(Protocol):
    """A row of the ledger, by column name; with `texts`, the digests of the event's texts that are
    at hand, and `gone`, those that were erased."""

    def __getitem__(self, name: str, /) -> Any: ...


@dataclass(slots=True)
class TextsHeld:
    """What became of the texts of the events that a service knows. Those that are neither at hand
    nor erased were never told to it."""

    at_hand: int = 0
    erased: int = 0
    not_here: int = 0


@dataclass(slots=True)
class LedgerCheck:
    """One service's ledger: rows ordered by service, partition, sequence."""

    owner: ServiceName
    trust: Trust
    heads: dict[Chain, Head] = field(default_factory=dict)
    hashes: dict[ChainNumber, bytes] = field(default_factory=dict)
    subject_heads: dict[tuple[ServiceName, UUID], bytes] = field(default_factory=dict)
    versions: dict[UUID, list[int]] = field(default_factory=dict)
    ids: set[UUID] = field(default_factory=set)
    rows: int = 0
    texts: TextsHeld = field(default_factory=TextsHeld)
    findings: list[Finding] = field(default_factory=list)

    def take(self, row: LedgerRow) -> None:
        self.rows += 1
        number = (ServiceName(row["service"]), row["partition"], row["sequence"])
        where = f"{self.owner}'s ledger, {printed(number)}"
        self.versions.setdefault(row["subject_id"], []).append(row["version"])
        try:
            event = read(row["envelope"])
        except MalformedEnvelope as error:
            self._find("malformed", where, str(error), row["event_id"])
            self._advance(number, event_hash(row["envelope"]))
            return
        problems = list(self._problems(row, event, number))
        for code, detail in problems:
            self._find(code, where, detail, event.id)
        self._take_texts(event, set(row["texts"] or ()), set(row["gone"] or ()), where)
        if not problems:
            self.trust = self.trust.after(event)
        self.ids.add(event.id)
        self.subject_heads[event.service, event.subject_id] = event.hash
        self._advance(number, event.hash)

    def _problems(
        self, row: LedgerRow, event: Event, number: ChainNumber
    ) -> Iterator[tuple[str, str]]:
        columns = {
            "event_id": event.id,
            "subject_id": event.subject_id,
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
        if (why := not_theirs_to_say(event.type, event.service, event.subject_id)) is not None:
            yield "not_theirs_to_say", why
        head = self.heads.get(number[:2], EMPTY)
        if number[2] != head.sequence + 1:
            yield "gap", f"the number before it here is {head.sequence}"
        elif event.link.prevhash != head.hash:
            yield (
                "broken_link",
                f"names {event.link.prevhash.hex()[:16]}…, the event before it hashes to "
                f"{head.hash.hex()[:16]}…",
            )
        if event.link.subjectprev != self.subject_heads.get(
            (event.service, event.subject_id), EMPTY.hash
        ):
            yield (
                "subject_link",
                "subjectprev is not the hash of the service's previous event of this subject",
            )
        if event.id in self.ids:
            yield "repeated_id", str(event.id)

    def _take_texts(self, event: Event, texts: set[str], gone: set[str], where: str) -> None:
        if not isinstance(event.data, EventData):
            return
        stand = set(digests(event.data))
        for one in sorted(texts - stand):
            self._find("disclosure_unfounded", where, f"{one[:16]}…", event.id)
        for one in sorted(texts & gone):
            self._find("disclosure_erased", where, f"{one[:16]}…", event.id)
        self.texts.at_hand += len(stand & texts)
        self.texts.erased += len(stand & gone - texts)
        self.texts.not_here += len(stand - texts - gone)

    def _advance(self, number: ChainNumber, hash_: bytes) -> None:
        self.heads[number[:2]] = Head(number[2], hash_)
        self.hashes[number] = hash_

    def _find(self, code: str, where: str, detail: str, event_id: UUID | None = None) -> None:
        self.findings.append(Finding(code, where, detail, event_id))

    def finish(self, heads: Mapping[Chain, int], parked: Mapping[str, int]) -> None:
        """`heads` are the last numbers in the service's own chain table, `parked` counts its
        unresolved messages by reason."""
        for (service, partition), sequence in heads.items():
            held = self.heads.get((service, partition), EMPTY).sequence
            if held < sequence:
                self._find(
                    "row_missing",
                    f"{self.owner}'s ledger, {service}/{partition}",
                    f"stood at {sequence}, holds {held}",
                )
        for subject_id, versions in self.versions.items():
            if sorted(versions) != list(range(1, len(versions) + 1)):
                self._find(
                    "version_gap",
                    f"{self.owner}'s ledger, subject {subject_id}",
                    f"holds {sorted(versions)}"[:200],
                )
        for reason, count in parked.items():
            self._find("waiting_parked", f"{self.owner}'s parked messages", f"{count} × {reason}")
