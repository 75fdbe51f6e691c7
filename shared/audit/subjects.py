"""What must hold of one subject's events, whoever keeps them: read strictly, linked per service,
caused by what came before, allowed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.audit.decisions import UNFORESEEN, Violation
from shared.chain.findings import MEANING, Finding
from shared.contract.catalogue import BY_TYPE, not_theirs_to_say
from shared.contract.envelope import Event, MalformedEnvelope, Unknown, read
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import RECORD, kind_of, partition_of
from shared.contract.vocabulary import ServiceName

Rules = Callable[[Sequence[Event]], Iterable[Violation]]
"""A service's `audit`: what its rules would not have let it say of one subject, given in the order
of the log."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An event and its leaf."""

    index: int
    event: Event

    @property
    def where(self) -> str:
        link = self.event.link
        return f"leaf {self.index}, {link.service}/{link.partition} number {link.sequence}"


def read_leaves(leaves: Iterable[tuple[int, bytes]]) -> tuple[list[Sealed], list[Finding]]:
    """Reads each envelope with the strict reader of the contract; what it refuses is a finding."""
    sealed, findings = list[Sealed](), list[Finding]()
    for index, envelope in leaves:
        try:
            sealed.append(Sealed(index, read(envelope)))
        except MalformedEnvelope as error:
            findings.append(Finding("malformed", f"leaf {index}", str(error)))
    return sealed, findings


def check_subject(
    history: Sequence[Sealed], rules: Mapping[ServiceName, Rules]
) -> Iterator[Finding]:
    """`history` is of one subject, in the order of the log."""
    heads: dict[ServiceName, bytes] = {}
    ids: set[UUID] = set()
    for sealed in history:
        for code, detail in _problems(sealed.event, heads, ids):
            yield Finding(code, sealed.where, detail, sealed.event.id)
        heads[sealed.event.service] = sealed.event.hash
        ids.add(sealed.event.id)
    yield from _of_another_kind(history)
    if history and kind_of(history[0].event.type) != RECORD:
        yield from _against_the_rules(history, rules)


def _of_another_kind(history: Sequence[Sealed]) -> Iterator[Finding]:
    """What is said of a subject as if it were of another kind than its first event says."""
    for sealed in history:
        if (kind := kind_of(sealed.event.type)) != (first := kind_of(history[0].event.type)):
            detail = f"{sealed.event.type} is of the kind {kind}, the subject of the kind {first}"
            yield Finding("kind_differs", sealed.where, detail, sealed.event.id)


def _problems(
    event: Event, heads: Mapping[ServiceName, bytes], ids: set[UUID]
) -> Iterator[tuple[str, str]]:
    if (partition := partition_of(event.subject_id)) != event.link.partition:
        yield "wrong_partition", f"the subject belongs on partition {partition}"
    if (why := not_theirs_to_say(event.type, event.service, event.subject_id)) is not None:
        yield "not_theirs_to_say", why
    if event.type in BY_TYPE and isinstance(event.data, Unknown):
        yield "unfit", event.data.reason[:300]
    if event.link.subjectprev != heads.get(event.service, ZERO_HASH):
        yield (
            "subject_link",
            "subjectprev is not the hash of the service's previous event of this subject",
        )
    if event.id in ids:
        yield "repeated_id", str(event.id)
    if event.causation_id is not None and event.causation_id not in ids:
        yield "cause_missing", f"its cause is said to be {event.causation_id}"


def _against_the_rules(
    history: Sequence[Sealed], rules: Mapping[ServiceName, Rules]
) -> Iterator[Finding]:
    events = [sealed.event for sealed in history]
    where = {sealed.event.hash: sealed.where for sealed in history}
    for service, audit in rules.items():
        try:
            for violation in audit(events):
                code = violation.rule if violation.rule in MEANING else "against_the_rules"
                detail = (
                    violation.detail
                    if code == violation.rule
                    else f"{violation.rule}: {violation.detail}"
                )
                yield Finding(code, where[violation.event.hash], detail, violation.event.id)
        except UNFORESEEN as error:
            detail = f"{service}: no rule foresees this history: {type(error).__name__} {error}"
            yield Finding("against_the_rules", f"subject {events[0].subject_id}", detail)
