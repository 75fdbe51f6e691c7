"""One incident's dossier, checked from its bytes and a few public keys alone."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from shared.audit.anchors import NAMES, Pins
from shared.audit.decisions import UNFORESEEN
from shared.audit.dossier.archive import unpack
from shared.audit.dossier.events import sealed_event
from shared.audit.dossier.outcome import DossierAudit
from shared.audit.dossier.page import PAGE, page
from shared.audit.dossier.parts import REPORTS, Reports, event_names, may_hold
from shared.audit.heads import Opened, open_head
from shared.audit.subjects import Rules, Sealed, check_subject
from shared.audit.texts.check import check_texts
from shared.audit.texts.lines import of_part
from shared.chain import statements
from shared.chain.statements import BadStatement, SubjectStatement
from shared.chain.trust import Trust
from shared.contract.disclosure import Disclosure, by_digest
from shared.contract.envelope import Event
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import partition_of, system_subject
from shared.contract.vocabulary import ServiceName
from shared.tlog.errors import TlogError

Parts = Mapping[str, bytes]


def audit_dossier(
    source: str,
    data: bytes,
    pins: Pins,
    rules: Mapping[ServiceName, Rules],
    reports: Reports,
) -> DossierAudit:
    """Where there is no pin, the dossier's own keys are believed."""
    audit = DossierAudit(source, unpinned=pins.missing)
    try:
        parts = unpack(data)
    except ValueError as error:
        audit.find("archive_damaged", source, str(error))
        return audit
    audit.foreign = pins.foreign(parts)
    opened = _open(audit, parts, pins)
    if opened is not None:
        _check(audit, parts, *opened, rules, reports)
    return audit


def _open(audit: DossierAudit, parts: Parts, pins: Pins) -> tuple[UUID, Trust, Opened] | None:
    for name in ("incident", "checkpoint", *NAMES):
        if name not in parts:
            audit.find("file_missing", name, "nothing can be checked without it")
            return None
    try:
        audit.incident = incident = UUID(parts["incident"].decode("ascii").removesuffix("\n"))
        if parts["incident"] != f"{incident}\n".encode():
            raise ValueError("not an incident's id in its usual form")
        anchors = pins.anchors(parts)
    except ValueError as error:
        audit.find("checkpoint_rejected", "incident, trust, log.vkey, policy", str(error))
        return None
    try:
        opened = open_head(parts["checkpoint"], anchors.log, anchors.policy)
    except TlogError as error:
        audit.find("checkpoint_rejected", "checkpoint", str(error))
        return None
    audit.checkpoint = opened.checkpoint
    audit.findings += opened.findings
    return incident, anchors.trust, opened


def _check(
    audit: DossierAudit,
    parts: Parts,
    incident: UUID,
    keys: Trust,
    opened: Opened,
    rules: Mapping[ServiceName, Rules],
    reports: Reports,
) -> None:
    for name in event_names(parts, "keys/"):
        keys = _rotated(audit, parts, name, incident, keys, opened)
    names = list(event_names(parts, "events/"))
    history, told = list[Sealed](), dict[UUID, Sequence[Disclosure]]()
    for name in names:
        if sealed := sealed_event(audit, parts, name, keys, opened):
            history.append(sealed)
            texts, findings = of_part(parts, name)
            told[sealed.event.id] = texts
            audit.findings += findings
    audit.events = len(history)
    if [one.index for one in history] != sorted({one.index for one in history}):
        audit.find(
            "proof_rejected", "events", "they do not stand in the order of the log, each once"
        )
    for one in history:
        if one.event.subject_id != incident:
            audit.find(
                "not_the_incidents",
                one.where,
                f"it is of incident {one.event.subject_id}",
                one.event,
            )
    audit.findings += check_subject(history, rules)
    audit.findings += check_texts(history, told, audit.texts)
    for service in ServiceName:
        _check_head(audit, parts, service, history, keys)
    shown = by_digest(one for texts in told.values() for one in texts)
    _check_pages(audit, parts, incident, [one.event for one in history], shown, reports)


def _rotated(
    audit: DossierAudit,
    parts: Parts,
    name: str,
    incident: UUID,
    keys: Trust,
    opened: Opened,
) -> Trust:
    """The keys with the one that this event brings into force, if the one before it says so and it
    is in the log."""
    told = len(audit.findings)
    sealed = sealed_event(audit, parts, name, keys, opened)
    if sealed is None or len(audit.findings) > told:
        return keys
    if sealed.event.subject_id != system_subject(partition_of(incident)):
        audit.find(
            "not_the_incidents",
            name,
            "it is no record of the chains that the incident is on",
            sealed.event,
        )
        return keys
    return keys.after(sealed.event)


def _check_head(
    audit: DossierAudit,
    parts: Parts,
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
        if not isinstance(word, SubjectStatement) or (word.service, word.subject_id) != (
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
    parts: Parts,
    incident: UUID,
    events: Sequence[Event],
    shown: Mapping[str, Disclosure],
    reports: Reports,
) -> None:
    try:
        expected = dict(reports(events, shown))
    except UNFORESEEN:
        # What the rules say of such a history is told already; of its reports nothing can be said.
        expected = {name: parts[name] for name in REPORTS if name in parts}
    for name in parts:
        if not may_hold(name):
            audit.find("file_unexpected", name, "a dossier has no such part")
        elif name in REPORTS and name not in expected:
            audit.find("file_unexpected", name, "no report of the incident is published")
    expected[PAGE] = page(incident, sorted(set(parts) - {PAGE}))
    for name, text in expected.items():
        if name not in parts:
            audit.find("file_missing", name, "the events give it")
        elif parts[name] != text:
            audit.find("file_differs", name, "it is not what the events give")
