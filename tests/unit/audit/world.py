"""Four services without a broker or a database, and the log folder that a sealer would make of what
they say.

Every event comes out of a service's own `decide`, linked and signed as the runtime does it; all
hear all at once."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from services.intake import domain as intake
from services.intake.domain.commands import Report
from services.notify import domain as notify
from services.review import domain as review
from services.review import editions
from services.review.domain.commands import OpenReview, RecordFinding, RecordLesson
from services.triage import domain as triage
from services.triage.domain import commands
from shared.audit.anchors import Anchors
from shared.audit.files import Folder
from shared.audit.log import audit_log
from shared.audit.outcome import LogAudit, Options
from shared.audit.subjects import Rules
from shared.chain import signatures, trust
from shared.chain.link import EMPTY, Head, next_link
from shared.chain.statements import ChainHeads, SubjectStatement, sign
from shared.contract.authority import Role
from shared.contract.catalogue.base import EventData, Exposure
from shared.contract.catalogue.intake import ReportChannel
from shared.contract.catalogue.review import ActionItem, ReviewTrigger
from shared.contract.catalogue.system import KeyRotated
from shared.contract.decision import Actor, Context
from shared.contract.disclosure import Disclosure, by_digest, conceal
from shared.contract.envelope import Event, Said, read, write
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import PARTITIONS, partition_of, system_subject
from shared.contract.vocabulary import (
    ActionKind,
    Answer,
    Audience,
    AudienceTier,
    Confidence,
    ControlLayer,
    Determination,
    FactKey,
    InformationType,
    LegalView,
    Outcome,
    Platform,
    Seat,
    ServiceName,
    Visibility,
)
from shared.tlog.bundles import bundle_hashes
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.growth import Edge, grow_bundles
from shared.tlog.keys import Signer
from shared.tlog.policy import Policy
from tests.unit.concealing import salts
from tests.unit.given import START

INTAKE, TRIAGE, NOTIFY, REVIEW = ServiceName
DOMAINS: Final[dict[ServiceName, Any]] = {
    INTAKE: intake,
    TRIAGE: triage,
    NOTIFY: notify,
    REVIEW: review,
}
KEYS: Final = {
    service: Signer(f"incident-ledger/{service}", bytes([number]) * 32)
    for number, service in enumerate(ServiceName, 1)
}
LOG: Final = Signer("incident-ledger/log", bytes([9]) * 32)
TRUST_TEXT: Final = "".join(f"{service} * 1 {KEYS[service].vkey}\n" for service in ServiceName)
TRUST: Final = trust.parse(TRUST_TEXT)
POLICY_TEXT: Final = f"log {LOG.vkey}\nquorum none\n"
ANCHORS: Final = Anchors(LOG.verifier, TRUST, Policy.parse(POLICY_TEXT.encode()))

MONITOR = Actor("monitor", frozenset({Role.SOURCE}))
ROB = Actor("rob", frozenset({Role.RESPONDER}))
LEA = Actor("lea", frozenset({Role.LEAD}))
NORA = Actor("nora", frozenset({Role.LEGAL}))
CARLA = Actor("carla", frozenset({Role.COMMUNICATIONS}))
COLIN = Actor("colin", frozenset({Role.COMMUNICATIONS}))
RUTH = Actor("ruth", frozenset({Role.REVIEWER}))

EXPOSURE: Final = Exposure(
    platform=Platform.OTHER,
    platform_name="a photo network",
    visibility=Visibility.PUBLIC,
    audience_tier=AudienceTier.D_PUBLIC,
    still_live=Answer.YES,
)


def rules() -> dict[ServiceName, Rules]:
    from services.intake.audit import audit as intake_audit
    from services.notify.audit import audit as notify_audit
    from services.review.audit import audit as review_audit
    from services.triage.audit import audit as triage_audit

    return {INTAKE: intake_audit, TRIAGE: triage_audit, NOTIFY: notify_audit, REVIEW: review_audit}


@dataclass(slots=True)
class Ledger:
    """What the services have said, in the order of the topic. `minutes` is the time of day."""

    keys: dict[ServiceName, Signer] = field(default_factory=lambda: dict(KEYS))
    entries: list[bytes] = field(default_factory=list)
    signatures: list[bytes] = field(default_factory=list)
    signers: list[Signer] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    heads: dict[tuple[ServiceName, int], Head] = field(default_factory=dict)
    subject_heads: dict[tuple[ServiceName, UUID], bytes] = field(default_factory=dict)
    states: dict[tuple[ServiceName, UUID], Any] = field(default_factory=dict)
    texts: dict[UUID, tuple[Disclosure, ...]] = field(default_factory=dict)
    """What people wrote, beside the events that hold its digests, by event."""
    minutes: int = 0
    salt: Callable[[], bytes] = field(default_factory=salts)

    def new_id(self) -> UUID:
        return UUID(int=0x0196_0000_0000_7000_8000_0000_0000_0000 + len(self.events) + 1)

    @property
    def now(self) -> datetime:
        return START + timedelta(minutes=self.minutes)

    def give(
        self,
        service: ServiceName,
        incident: UUID,
        command: Any,
        by: Actor,
        cause: Event | None = None,
    ) -> list[Event]:
        """The service decides and says."""
        state = self.states.get((service, incident), DOMAINS[service].INITIAL)
        edition = DOMAINS[service].edition_for(command, state)
        said = DOMAINS[service].decide(command, state, Context(self.now, by, edition))
        return [self.say(service, incident, data, by.subject, cause, edition) for data in said]

    def say(
        self,
        service: ServiceName,
        incident: UUID,
        data: EventData,
        by: str,
        cause: Event | None = None,
        edition: int = 1,
    ) -> Event:
        """The service says this, allowed or not; its texts stand beside it."""
        partition = partition_of(incident)
        head = self.heads.get((service, partition), EMPTY)
        link = next_link(
            service, partition, head, self.subject_heads.get((service, incident), ZERO_HASH)
        )
        bare, told = conceal(data, self.salt)
        said = Said(
            self.new_id(),
            incident,
            self.now,
            by,
            bare,
            "correlation",
            cause.id if cause else None,
            rules=edition,
        )
        self.texts[said.id] = told
        self.minutes += 1
        return self.append(write(said, link, self.keys[service].key_id.hex()), self.keys[service])

    def append(self, envelope: bytes, key: Signer) -> Event:
        """Signs the bytes and puts them on the topic; every service hears them."""
        event = read(envelope)
        self.entries.append(envelope)
        self.signatures += signatures.sign([event], key.sign)
        self.signers.append(key)
        self.events.append(event)
        self.heads[event.service, event.link.partition] = Head(event.link.sequence, event.hash)
        self.subject_heads[event.service, event.subject_id] = event.hash
        for service, domain in DOMAINS.items():
            place = service, event.subject_id
            with contextlib.suppress(LookupError):  # an event that names what nobody said
                self.states[place] = domain.evolve(self.states.get(place, domain.INITIAL), event)
        return event

    def commit(self, first: int) -> None:
        """What each service has said since this leaf was said in one commit: signed in one turn."""
        commits = defaultdict[tuple[ServiceName, Signer], list[int]](list)
        for at in range(first, len(self.events)):
            commits[self.events[at].service, self.signers[at]].append(at)
        for (_, key), leaves in commits.items():
            signed = signatures.sign([self.events[at] for at in leaves], key.sign)
            for at, signature in zip(leaves, signed, strict=True):
                self.signatures[at] = signature

    def found(self, incident: UUID) -> dict[str, Disclosure]:
        """The texts of an incident, by digest."""
        return by_digest(one for event in self.of(incident) for one in self.texts[event.id])

    def of(self, incident: UUID) -> list[Event]:
        return [event for event in self.events if event.subject_id == incident]

    def chain_heads(self, service: ServiceName) -> bytes:
        heads = tuple(
            self.heads.get((service, partition), EMPTY) for partition in range(PARTITIONS)
        )
        return sign(ChainHeads(service, self.now, heads).text, self.keys[service])

    def subject_head(self, service: ServiceName, incident: UUID) -> bytes:
        count = sum(event.service == service for event in self.of(incident))
        last = self.subject_heads.get((service, incident), ZERO_HASH)
        head = self.heads.get((service, partition_of(incident)), EMPTY)
        return sign(
            SubjectStatement(service, incident, self.now, count, last, head).text,
            self.keys[service],
        )


def incident_number(number: int) -> UUID:
    return UUID(int=0x0196_0000_0000_7000_9000_0000_0000_0000 + number)


def report(ledger: Ledger, incident: UUID) -> Event:
    return ledger.give(
        INTAKE,
        incident,
        Report(True, ReportChannel.API, description="A whiteboard.", exposure=EXPOSURE),
        MONITOR,
    )[0]


def confirm(ledger: Ledger, incident: UUID) -> Event:
    """Reported, facts established, seats filled, assessed as confirmed; what follows from that is
    said, too."""
    report(ledger, incident)
    for key in FactKey:
        fact = commands.RecordFact(
            ledger.new_id(), key, "yes, as far as we know", Confidence.HIGH, "seen", ledger.now
        )
        ledger.give(TRIAGE, incident, fact, ROB)
    for seat in (Seat.LEGAL, Seat.COMMUNICATIONS, Seat.IT):
        ledger.give(TRIAGE, incident, commands.FillSeat(seat, f"holder-of-{seat}"), LEA)
    assess = commands.Assess(Determination.CONFIRMED, (InformationType.PROPRIETARY,), EXPOSURE)
    (assessed,) = ledger.give(TRIAGE, incident, assess, ROB)
    ledger.give(NOTIFY, incident, notify.NoteDuties(), Actor("service:notify"), assessed)
    opening = OpenReview(ReviewTrigger.CONFIRMED)
    ledger.give(REVIEW, incident, opening, Actor("service:review"), assessed)
    return assessed


def contain(ledger: Ledger, incident: UUID) -> Event:
    action = ledger.new_id()
    ledger.give(
        TRIAGE,
        incident,
        commands.ProposeAction(action, ActionKind.PLATFORM_REPORT, "the post"),
        ROB,
    )
    ledger.give(
        TRIAGE, incident, commands.GiveLegalView(action, LegalView.CLEARED, "our own slide"), NORA
    )
    ledger.give(TRIAGE, incident, commands.AuthoriseAction(action), LEA)
    return ledger.give(
        TRIAGE, incident, commands.CarryOut(action, Outcome.SUCCESSFUL, ledger.now), ROB
    )[0]


def tell(ledger: Ledger, incident: UUID, audience: Audience) -> Event:
    message = ledger.new_id()
    facts = tuple(ledger.states[NOTIFY, incident].facts)
    text = notify.DraftCommunication(
        message, audience, "mail", "A roadmap", "It was removed.", facts, frozenset({"mail"})
    )
    (drafted,) = ledger.give(NOTIFY, incident, text, COLIN)
    ledger.give(NOTIFY, incident, notify.Approve(message), CARLA)
    if len(notify.EDITIONS.under().approvals_needed(audience)) > 1:
        ledger.give(NOTIFY, incident, notify.Approve(message), NORA)
    ledger.give(NOTIFY, incident, notify.RequestSend(message), COLIN)
    sender = Actor("service:notify")
    told = tuple(sorted(one.digest for one in ledger.texts[drafted.id]))
    ledger.give(NOTIFY, incident, notify.StartSend(message, told), sender)
    return ledger.give(NOTIFY, incident, notify.RecordDelivered(message, 1), sender)[0]


def rotate(ledger: Ledger, service: ServiceName, partition: int, key: Signer) -> Event:
    """The service changes its key on this partition; on the others it keeps the old one."""
    rotated = ledger.say(
        service, system_subject(partition), KeyRotated(vkey=key.vkey), f"service:{service}"
    )
    ledger.keys[service] = key
    return rotated


def publish(ledger: Ledger, incident: UUID) -> Event:
    item = ActionItem(
        description="Label slides", owner="lea", due=ledger.now.date() + timedelta(days=30)
    )
    finding = RecordFinding(
        ledger.new_id(),
        "No label.",
        ControlLayer.TRAINING_MISSING,
        Answer.NO,
        Answer.UNKNOWN,
        (item,),
    )
    ledger.give(REVIEW, incident, finding, RUTH)
    ledger.give(REVIEW, incident, RecordLesson("Label what leaves the room"), RUTH)
    return ledger.give(REVIEW, incident, editions.publication(ledger.of(incident)), RUTH)[0]


def whole_story(ledger: Ledger, incident: UUID) -> UUID:
    """One incident through all five events. Some of it is said by turns, some event by event."""
    first = len(ledger.events)
    confirm(ledger, incident)
    contain(ledger, incident)
    for audience in sorted(ledger.states[NOTIFY, incident].owed):
        tell(ledger, incident, audience)
    ledger.commit(first)
    publish(ledger, incident)
    return incident


def two_stories() -> Ledger:
    """Two incidents, told one into the other."""
    ledger = Ledger()
    confirm(ledger, incident_number(2))
    whole_story(ledger, incident_number(1))
    contain(ledger, incident_number(2))
    return ledger


def seal(
    folder: Path, entries: Sequence[bytes], beside: Sequence[bytes], steps: Iterable[int] = ()
) -> Checkpoint:
    """Writes the static files as a log that grew by these steps; `beside` are the signatures."""
    edge, size = Edge(), 0
    for end in (*steps, len(entries)):
        growth = edge.grow(bundle_hashes(entries[size:end]))
        tail = size % 256
        for tile, data in (
            *grow_bundles(size, entries[size - tail : size], entries[size:end]),
            *growth.tiles,
        ):
            put(folder, tile.path, data)
        for tile, _ in grow_bundles(size, entries[size - tail : size], entries[size:end]):
            start = tile.index * 256
            put(
                folder,
                tile.path.replace("tile/entries", "signatures"),
                signatures.to_file(beside[start : start + tile.width]),
            )
        edge, size = growth.edge, end
    checkpoint = Checkpoint(LOG.name, size, edge.root)
    put(folder, "checkpoint", sign_checkpoint(checkpoint, LOG))
    put(folder, "log.vkey", f"{LOG.vkey}\n".encode())
    put(folder, "trust", TRUST_TEXT.encode())
    put(folder, "policy", POLICY_TEXT.encode())
    return checkpoint


def publish_log(folder: Path, ledger: Ledger, steps: Iterable[int] = ()) -> Checkpoint:
    for service in ServiceName:
        put(folder, f"chains/{service}", ledger.chain_heads(service))
    return seal(folder, ledger.entries, ledger.signatures, steps)


def put(folder: Path, path: str, data: bytes) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)


def audit(folder: Path, anchors: Anchors = ANCHORS, **options: Any) -> LogAudit:
    chosen = Options(**{"rules": rules(), **options})
    return audit_log(Folder(folder), anchors, chosen, lambda *_: None)


def codes(found: LogAudit) -> set[str]:
    return {finding.code for finding in found.findings}
