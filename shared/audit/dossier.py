"""One incident's dossier: an archive that proves, by itself, what was said of an incident and that
nothing is missing.

    incident                            the incident's id
    checkpoint, log.vkey, trust, policy as in the log's folder
    events/<n>-<service>-<number>.json  the exact envelope, in the order of the log; beside it
                                 .sig          the 64 bytes of its signature
                                 .tlog-proof   that it is in the log (c2sp.org/tlog-proof)
    keys/<n>-<service>-<number>.…       the same for each change of a service's key that its events here come after
    heads/<service>                     the service's own word: so many events of this incident, and which is the last
    report.json, .md, .html             the published report, if there is one
    README.txt                          how to check all this by hand

The same parts give the same bytes. Nothing of another incident is in it but hashes.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.audit.decisions import UNFORESEEN
from shared.audit.dossier_page import PAGE, page
from shared.audit.heads import Opened, open_head
from shared.audit.incidents import Rules, Sealed, check_incident
from shared.chain import statements, trust
from shared.chain.findings import Finding
from shared.chain.statements import BadStatement, IncidentStatement
from shared.chain.trust import Trust
from shared.contract.envelope import Event, MalformedEnvelope, read
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import partition_of, system_incident
from shared.contract.vocabulary import ServiceName
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.errors import TlogError
from shared.tlog.keys import Verifier
from shared.tlog.merkle import verify_inclusion
from shared.tlog.policy import Policy
from shared.tlog.proof import SUFFIX, Proof

MAX_PARTS: Final = 100_000
MAX_SIZE: Final = 512 * 1024 * 1024
"""Bytes of all parts together."""

ANCHORS: Final = ("log.vkey", "trust", "policy")
REPORTS: Final = ("report.html", "report.json", "report.md")
_EVENT: Final = re.compile(
    r"(?:events|keys)/(\d{4,})-([a-z]+)-(\d{1,20})(\.json|\.sig|\.tlog-proof)"
)
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)

Reports = Callable[[Sequence[Event]], Mapping[str, bytes]]
"""The published report's files, made from the incident's events in the order of the log; none when
none is published."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One event as it goes into a dossier."""

    envelope: bytes
    signature: bytes
    proof: Proof


@dataclass(slots=True)
class DossierAudit:
    """What came of it. `stated_at`: when each service gave its word that these are all its
    events."""

    source: str
    incident: UUID | None = None
    checkpoint: Checkpoint | None = None
    events: int = 0
    stated_at: dict[ServiceName, datetime] = field(default_factory=dict)
    unpinned: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    def find(self, code: str, where: str, detail: str, event: Event | None = None) -> None:
        self.findings.append(Finding(code, where, detail, event.id if event else None))


def compose(
    incident: UUID,
    checkpoint: bytes,
    anchors: Mapping[str, bytes],
    evidence: Sequence[Evidence],
    rotations: Sequence[Evidence],
    heads: Mapping[ServiceName, bytes],
    reports: Reports,
) -> dict[str, bytes]:
    """The parts of a dossier. `evidence` and `rotations` are in the order of the log; `anchors` are
    the texts named `ANCHORS`."""
    events = [read(one.envelope) for one in evidence]
    parts = {
        "incident": f"{incident}\n".encode(),
        "checkpoint": checkpoint,
        **anchors,
        **reports(events),
    }
    parts |= _parts_of("events", evidence) | _parts_of("keys", rotations)
    parts |= {f"heads/{service}": note for service, note in heads.items()}
    return {**parts, PAGE: page(incident, sorted(parts))}


def _parts_of(folder: str, evidence: Sequence[Evidence]) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    for number, one in enumerate(evidence, 1):
        event = read(one.envelope)
        name = f"{folder}/{number:04d}-{event.service}-{event.link.sequence}"
        parts |= {
            f"{name}.json": one.envelope,
            f"{name}.sig": one.signature,
            f"{name}{SUFFIX}": one.proof.encode(),
        }
    return parts


def pack(parts: Mapping[str, bytes]) -> bytes:
    """The archive: parts by name, neither compressed nor dated."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(parts):
            about = zipfile.ZipInfo(name, _EPOCH)
            about.external_attr = 0o644 << 16
            about.create_system = 3
            file.writestr(about, parts[name])
    return archive.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """Raises ValueError when the archive is damaged, or holds more than a dossier can."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            infos = file.infolist()
            if len(infos) > MAX_PARTS or sum(info.file_size for info in infos) > MAX_SIZE:
                raise ValueError("it is too large for a dossier")
            if any(
                info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in infos
            ):
                raise ValueError("its parts are compressed or encrypted; a dossier's are neither")
            parts = {info.filename: file.read(info) for info in infos}
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        RuntimeError,
        OSError,
        UnicodeDecodeError,
    ) as error:
        raise ValueError(str(error)) from error
    if pack(parts) != data:
        raise ValueError(
            "its parts, packed again, give another archive: something was added, doubled or cut off"
        )
    return parts


def audit_dossier(
    source: str,
    data: bytes,
    pins: Mapping[str, bytes | None],
    rules: Mapping[ServiceName, Rules],
    reports: Reports,
) -> DossierAudit:
    """`pins`: the auditor's own texts in place of the dossier's, by the names in `ANCHORS`."""
    audit = DossierAudit(source, unpinned=tuple(name for name in ANCHORS if pins.get(name) is None))
    try:
        parts = unpack(data)
    except ValueError as error:
        audit.find("archive_damaged", source, str(error))
        return audit
    mine = {name: text for name, text in pins.items() if text is not None}
    opened = _open(audit, {**parts, **mine})
    if opened is not None:
        _check(audit, parts, *opened, rules, reports)
    return audit


def _open(audit: DossierAudit, parts: Mapping[str, bytes]) -> tuple[UUID, Trust, Opened] | None:
    for name in ("incident", "checkpoint", *ANCHORS):
        if name not in parts:
            audit.find("file_missing", name, "nothing can be checked without it")
            return None
    try:
        audit.incident = incident = UUID(parts["incident"].decode("ascii").removesuffix("\n"))
        if parts["incident"] != f"{incident}\n".encode():
            raise ValueError("not an incident's id in its usual form")
        keys = trust.parse(parts["trust"].decode("utf-8"))
        log = Verifier.parse(parts["log.vkey"].decode("utf-8").removesuffix("\n"))
        policy = Policy.parse(parts["policy"])
    except ValueError as error:
        audit.find("checkpoint_rejected", "incident, trust, log.vkey, policy", str(error))
        return None
    try:
        opened = open_head(parts["checkpoint"], log, policy)
    except TlogError as error:
        audit.find("checkpoint_rejected", "checkpoint", str(error))
        return None
    audit.checkpoint = opened.checkpoint
    audit.findings += opened.findings
    return incident, keys, opened


def _check(
    audit: DossierAudit,
    parts: Mapping[str, bytes],
    incident: UUID,
    keys: Trust,
    opened: Opened,
    rules: Mapping[ServiceName, Rules],
    reports: Reports,
) -> None:
    for name in _event_names(parts, "keys/"):
        keys = _rotated(audit, parts, name, incident, keys, opened)
    names = _event_names(parts, "events/")
    history = [sealed for name in names if (sealed := _event(audit, parts, name, keys, opened))]
    audit.events = len(history)
    if [one.index for one in history] != sorted({one.index for one in history}):
        audit.find(
            "proof_rejected", "events", "they do not stand in the order of the log, each once"
        )
    for one in history:
        if one.event.incident_id != incident:
            audit.find(
                "not_the_incidents",
                one.where,
                f"it is of incident {one.event.incident_id}",
                one.event,
            )
    audit.findings += check_incident(history, rules)
    for service in ServiceName:
        _check_head(audit, parts, service, history, keys)
    _check_pages(audit, parts, incident, [one.event for one in history], reports)


def _rotated(
    audit: DossierAudit,
    parts: Mapping[str, bytes],
    name: str,
    incident: UUID,
    keys: Trust,
    opened: Opened,
) -> Trust:
    """The keys with the one that this event brings into force, if the one before it says so and it
    is in the log."""
    told = len(audit.findings)
    sealed = _event(audit, parts, name, keys, opened)
    if sealed is None or len(audit.findings) > told:
        return keys
    if sealed.event.incident_id != system_incident(partition_of(incident)):
        audit.find(
            "not_the_incidents",
            name,
            "it is no record of the chains that the incident is on",
            sealed.event,
        )
        return keys
    return keys.after(sealed.event)


def _event_names(parts: Mapping[str, bytes], folder: str) -> Iterator[str]:
    """Without the ending, in order."""
    found = (
        match for name in parts if name.startswith(folder) and (match := _EVENT.fullmatch(name))
    )
    yield from sorted({match[0].removesuffix(match[4]) for match in found})


def _event(
    audit: DossierAudit, parts: Mapping[str, bytes], name: str, keys: Trust, opened: Opened
) -> Sealed | None:
    missing = [ending for ending in (".json", ".sig", SUFFIX) if name + ending not in parts]
    if missing:
        audit.find(
            "file_missing", name + missing[0], "each event comes with its signature and its proof"
        )
        return None
    envelope = parts[f"{name}.json"]
    try:
        event = read(envelope)
    except MalformedEnvelope as error:
        audit.find("malformed", name, str(error))
        return None
    if name.partition("-")[2] != f"{event.service}-{event.link.sequence}":
        audit.find(
            "file_unexpected", name, f"it is number {event.link.sequence} of {event.service}", event
        )
    if (refusal := keys.refusal(event, parts[f"{name}.sig"])) is not None:
        audit.find("untrusted", name, refusal, event)
    index = _proven(audit, name, parts, event, opened)
    return Sealed(index, event) if index is not None else None


def _proven(
    audit: DossierAudit, name: str, parts: Mapping[str, bytes], event: Event, opened: Opened
) -> int | None:
    """The leaf's index; also of one whose proof fails, so that the rest can be checked."""
    head = opened.checkpoint
    try:
        proof = Proof.parse(parts[name + SUFFIX])
    except TlogError as error:
        audit.find("proof_rejected", name, str(error), event)
        return None
    if proof.checkpoint != parts["checkpoint"] or proof.extra:
        audit.find(
            "proof_rejected",
            name,
            "it holds another checkpoint than the dossier, or more than a proof",
            event,
        )
    if not verify_inclusion(proof.index, head.size, event.hash, proof.hashes, head.root):
        audit.find(
            "proof_rejected",
            name,
            f"the event is not leaf {proof.index} of the tree of {head.size}",
            event,
        )
    return proof.index


def _check_head(
    audit: DossierAudit,
    parts: Mapping[str, bytes],
    service: ServiceName,
    history: Sequence[Sealed],
    keys: Trust,
) -> None:
    name = f"heads/{service}"
    if name not in parts:
        audit.find("file_missing", name, f"without it {service}'s last events might be missing")
        return
    try:
        word = statements.open_statement(parts[name], keys)
        if not isinstance(word, IncidentStatement) or (word.service, word.incident_id) != (
            service,
            audit.incident,
        ):
            raise BadStatement(f"it is not {service}'s word on this incident")
    except BadStatement as error:
        audit.find("statement_rejected", name, str(error))
        return
    own = [one.event for one in history if one.event.service == service]
    last = own[-1].hash if own else ZERO_HASH
    if (why := statements.contradicts(word, len(own), last)) is not None:
        audit.find("statement_false", name, why)
    elif own and (word.head.sequence < own[-1].link.sequence):
        audit.find(
            "statement_false",
            name,
            f"it speaks of the chain up to {word.head.sequence}, before the last event",
        )
    audit.stated_at[service] = word.time


def _check_pages(
    audit: DossierAudit,
    parts: Mapping[str, bytes],
    incident: UUID,
    events: Sequence[Event],
    reports: Reports,
) -> None:
    try:
        expected = dict(reports(events))
    except UNFORESEEN:
        # What the rules say of such a history is told already; of its reports nothing can be said.
        expected = {name: parts[name] for name in REPORTS if name in parts}
    known = {
        "incident",
        "checkpoint",
        PAGE,
        *ANCHORS,
        *REPORTS,
        *(f"heads/{service}" for service in ServiceName),
    }
    for name in parts:
        if name not in known and not _EVENT.fullmatch(name):
            audit.find("file_unexpected", name, "a dossier has no such part")
        elif name in REPORTS and name not in expected:
            audit.find("file_unexpected", name, "no report of the incident is published")
    expected[PAGE] = page(incident, sorted(set(parts) - {PAGE}))
    for name, text in expected.items():
        if name not in parts:
            audit.find("file_missing", name, "the events give it")
        elif parts[name] != text:
            audit.find("file_differs", name, "it is not what the events give")
