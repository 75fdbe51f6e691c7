"""What one turn of the appender does, decided without any I/O.

A turn takes the proposals that wait, the heads of their chains and subjects as the transaction has
locked them, and gives every event its place, or its caller a refusal. A conflict fails only its own
command. What the turn says is signed together, when all of it has its place."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from shared.chain import signatures
from shared.chain.link import Head, next_link
from shared.contract.catalogue.system import KeyRotated
from shared.contract.disclosure import Disclosure
from shared.contract.envelope import Event, Said, write
from shared.contract.hashing import ZERO_HASH, event_hash
from shared.contract.topics import partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.say.conflicts import Conflict, IdempotencyMismatch


class Recorded(NamedTuple):
    """An event in this service's ledger; `version` counts what the service knows of the subject,
    from 1, without gaps."""

    event: Event
    version: int


@dataclass(frozen=True, slots=True)
class Write:
    """One SQL statement with its parameters."""

    sql: str
    args: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's key, and the digest of what the caller asked for under it."""

    key: str
    digest: bytes


class Proposal(NamedTuple):
    """Events that a command decided on at `expected_version` of its subject; `extra` is written
    with them or not at all.

    `said_hash` is the hash of the service's own last event of the subject at that version, for who
    plans without a look."""

    subject_id: UUID
    expected_version: int
    said: Sequence[Said]
    idempotency: Idempotency | None = None
    extra: Sequence[Write] = ()
    said_hash: bytes = ZERO_HASH


class SubjectHead(NamedTuple):
    version: int
    said_hash: bytes


UNHEARD_OF = SubjectHead(0, ZERO_HASH)


class Signed(NamedTuple):
    """An event in its place, with its signature: one row of the ledger. `disclosures` are the texts
    that are written beside it when it is said."""

    recorded: Recorded
    signature: bytes
    disclosures: tuple[Disclosure, ...] = ()


@dataclass(frozen=True, slots=True)
class Again:
    """This proposal's idempotency key was taken by another proposal of the same turn: look the
    answer up."""


Verdict = tuple[Signed, ...] | Exception | Again


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who signs: a service with its key."""

    service: ServiceName
    keyid: str
    sign: signatures.Sign


@dataclass(frozen=True, slots=True)
class Turn:
    """What to write, and what each proposal gets, in the order of the proposals."""

    verdicts: tuple[Verdict, ...]
    rows: tuple[Signed, ...]
    heads: Mapping[int, Head]
    subjects: Mapping[UUID, SubjectHead]

    def require_accepted(self) -> None:
        """Raises the first refusal of a proposal."""
        for verdict in self.verdicts:
            if isinstance(verdict, Exception):
                raise verdict


def plan(
    proposals: Sequence[Proposal],
    heads: Mapping[int, Head],
    subjects: Mapping[UUID, SubjectHead],
    taken: Mapping[str, bytes],
    speaker: Speaker,
) -> Turn:
    """`heads` by partition and `subjects` as locked; `taken` are the idempotency keys already in
    the database with their digests."""
    moved, known, keys = dict(heads), dict(subjects), dict(taken)
    verdicts: list[slice | Exception | Again] = []
    rows: list[Recorded] = []
    told: list[tuple[Disclosure, ...]] = []
    rotated: set[int] = set()
    for proposal in proposals:
        refusal = _refusal(proposal, known.get(proposal.subject_id, UNHEARD_OF), keys)
        if refusal is not None:
            verdicts.append(refusal)
            continue
        try:
            _require_one_key(proposal, rotated)
            placed, head, subject = _place(proposal, moved, known, speaker)
        except ValueError as error:
            verdicts.append(error)
            continue
        moved[partition_of(proposal.subject_id)], known[proposal.subject_id] = head, subject
        if proposal.idempotency is not None:
            keys[proposal.idempotency.key] = proposal.idempotency.digest
        verdicts.append(slice(len(rows), len(rows) + len(placed)))
        rows += placed
        told += (said.disclosures for said in proposal.said)
        rotated |= {row.event.link.partition for row in placed if _changes_key(row.event.data)}
    touched = {row.event.subject_id: known[row.event.subject_id] for row in rows}
    changed = {number: head for number, head in moved.items() if head != heads[number]}
    signed = _signed(rows, told, speaker)
    given = [signed[one] if isinstance(one, slice) else one for one in verdicts]
    return Turn(tuple(given), signed, changed, touched)


def _signed(
    rows: Sequence[Recorded], told: Sequence[tuple[Disclosure, ...]], speaker: Speaker
) -> tuple[Signed, ...]:
    events = [row.event for row in rows]
    return tuple(map(Signed, rows, signatures.sign(events, speaker.sign), told))


def _require_one_key(proposal: Proposal, rotated: Set[int]) -> None:
    """A turn is signed with one key: a change of key is the last that it says on its chain. Raises
    ValueError."""
    first = (said for said in proposal.said[:-1] if _changes_key(said.data))
    if partition_of(proposal.subject_id) in rotated or next(first, None) is not None:
        raise ValueError(
            "what follows a change of key on its chain is signed with the new key, so it needs a "
            "turn of its own: propose it again"
        )


def _changes_key(data: object) -> bool:
    return isinstance(data, KeyRotated)


def _refusal(
    proposal: Proposal, subject: SubjectHead, keys: Mapping[str, bytes]
) -> Exception | Again | None:
    if (
        proposal.idempotency is not None
        and (digest := keys.get(proposal.idempotency.key)) is not None
    ):
        return (
            Again()
            if digest == proposal.idempotency.digest
            else IdempotencyMismatch(proposal.idempotency.key)
        )
    if subject.version != proposal.expected_version:
        return Conflict(proposal.subject_id, proposal.expected_version, subject.version)
    return None


def _place(
    proposal: Proposal,
    heads: Mapping[int, Head],
    subjects: Mapping[UUID, SubjectHead],
    speaker: Speaker,
) -> tuple[list[Recorded], Head, SubjectHead]:
    partition = partition_of(proposal.subject_id)
    head, subject = heads[partition], subjects.get(proposal.subject_id, UNHEARD_OF)
    placed: list[Recorded] = []
    for said in proposal.said:
        link = next_link(speaker.service, partition, head, subject.said_hash)
        envelope = write(said, link, speaker.keyid)
        head = Head(link.sequence, event_hash(envelope))
        subject = SubjectHead(subject.version + 1, head.hash)
        event = Event(
            said.id,
            said.subject_id,
            said.time,
            said.actor,
            said.data.TYPE,
            said.data,
            link,
            speaker.keyid,
            said.correlation_id,
            said.causation_id,
            said.traceparent,
            head.hash,
            envelope,
            said.rules,
        )
        placed.append(Recorded(event, subject.version))
    return placed, head, subject
