"""What one turn of the appender does, decided without any I/O.

A turn takes the proposals that wait, the heads of their chains and incidents as the transaction has
locked them, and gives every event its place, or its caller a refusal. A conflict fails only its own
command."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from shared.chain.link import Head, next_link
from shared.contract.disclosure import Disclosure
from shared.contract.envelope import Event, Said, write
from shared.contract.hashing import ZERO_HASH, event_hash, signed_bytes
from shared.contract.topics import partition_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.say.conflicts import Conflict, IdempotencyMismatch

Sign = Callable[[bytes], bytes]


class Recorded(NamedTuple):
    """An event in this service's ledger; `version` counts what the service knows of the incident,
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
    """Events that a command decided on at `expected_version` of its incident; `extra` is written
    with them or not at all.

    `said_hash` is the hash of the service's own last event of the incident at that version, for who
    plans without a look."""

    incident_id: UUID
    expected_version: int
    said: Sequence[Said]
    idempotency: Idempotency | None = None
    extra: Sequence[Write] = ()
    said_hash: bytes = ZERO_HASH


class IncidentHead(NamedTuple):
    version: int
    said_hash: bytes


UNHEARD_OF = IncidentHead(0, ZERO_HASH)


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
    sign: Sign


@dataclass(frozen=True, slots=True)
class Turn:
    """What to write, and what each proposal gets, in the order of the proposals."""

    verdicts: tuple[Verdict, ...]
    rows: tuple[Signed, ...]
    heads: Mapping[int, Head]
    incidents: Mapping[UUID, IncidentHead]

    def require_accepted(self) -> None:
        """Raises the first refusal of a proposal."""
        for verdict in self.verdicts:
            if isinstance(verdict, Exception):
                raise verdict


def plan(
    proposals: Sequence[Proposal],
    heads: Mapping[int, Head],
    incidents: Mapping[UUID, IncidentHead],
    taken: Mapping[str, bytes],
    speaker: Speaker,
) -> Turn:
    """`heads` by partition and `incidents` as locked; `taken` are the idempotency keys already in
    the database with their digests."""
    moved, known, keys = dict(heads), dict(incidents), dict(taken)
    verdicts: list[Verdict] = []
    rows: list[Signed] = []
    for proposal in proposals:
        refusal = _refusal(proposal, known.get(proposal.incident_id, UNHEARD_OF), keys)
        if refusal is not None:
            verdicts.append(refusal)
            continue
        try:
            placed, head, incident = _place(proposal, moved, known, speaker)
        except ValueError as error:
            verdicts.append(error)
            continue
        moved[partition_of(proposal.incident_id)], known[proposal.incident_id] = head, incident
        if proposal.idempotency is not None:
            keys[proposal.idempotency.key] = proposal.idempotency.digest
        rows.extend(placed)
        verdicts.append(placed)
    touched = {
        row.recorded.event.incident_id: known[row.recorded.event.incident_id] for row in rows
    }
    changed = {number: head for number, head in moved.items() if head != heads[number]}
    return Turn(tuple(verdicts), tuple(rows), changed, touched)


def _refusal(
    proposal: Proposal, incident: IncidentHead, keys: Mapping[str, bytes]
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
    if incident.version != proposal.expected_version:
        return Conflict(proposal.incident_id, proposal.expected_version, incident.version)
    return None


def _place(
    proposal: Proposal,
    heads: Mapping[int, Head],
    incidents: Mapping[UUID, IncidentHead],
    speaker: Speaker,
) -> tuple[tuple[Signed, ...], Head, IncidentHead]:
    partition = partition_of(proposal.incident_id)
    head, incident = heads[partition], incidents.get(proposal.incident_id, UNHEARD_OF)
    placed: list[Signed] = []
    for said in proposal.said:
        link = next_link(speaker.service, partition, head, incident.said_hash)
        envelope = write(said, link, speaker.keyid)
        head = Head(link.sequence, event_hash(envelope))
        incident = IncidentHead(incident.version + 1, head.hash)
        event = Event(
            said.id,
            said.incident_id,
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
        signature = speaker.sign(signed_bytes(envelope))
        placed.append(Signed(Recorded(event, incident.version), signature, said.disclosures))
    return tuple(placed), head, incident
