"""Finds one incident's events in a log, with the signatures and proofs that a dossier needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.audit.dossier.parts import Evidence
from shared.audit.files import Files, NotALog
from shared.audit.heads import trusted_head
from shared.audit.tree import Leaves, Signatures, TreeCheck, tile_reader
from shared.chain import statements
from shared.chain.statements import BadStatement, IncidentStatement
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import Event, MalformedEnvelope, read
from shared.contract.hashing import ZERO_HASH
from shared.contract.topics import partition_of, system_incident
from shared.contract.vocabulary import ServiceName
from shared.tlog.errors import TlogError
from shared.tlog.keys import Verifier
from shared.tlog.note import parse_note
from shared.tlog.proof import Proof
from shared.tlog.tile_proofs import inclusion_from_tiles

Words = Mapping[ServiceName, IncidentStatement]
"""What each service says that it has said of an incident."""


@dataclass(slots=True)
class Gathered:
    """What a log of one checkpoint has of an incident, each with its index; `rotations` are changes
    of key on its chains."""

    note: bytes
    size: int
    events: list[tuple[int, Event]] = field(default_factory=list)
    rotations: list[tuple[int, Event]] = field(default_factory=list)

    def up_to(self, heads: Words) -> "Gathered":
        """Without what the services said after they gave their word; they may go on while a dossier
        is made."""
        said = dict.fromkeys(heads, 0)
        events = []
        for index, event in self.events:
            said[event.service] += 1
            if said[event.service] <= heads[event.service].count:
                events.append((index, event))
        return Gathered(self.note, self.size, events, self.rotations)

    def lacks(self, heads: Words) -> list[str]:
        """What the services' own word says and the log has not sealed, or has otherwise."""
        missing = []
        for service, word in heads.items():
            own = [event for _, event in self.events if event.service == service][: word.count]
            why = statements.contradicts(word, len(own), own[-1].hash if own else ZERO_HASH)
            if why is not None:
                missing.append(why)
        return missing


def gather(files: Files, log: Verifier, incident: UUID, head_at: str) -> Gathered:
    """Reads the whole log once, up to the head at this path. Raises NotALog when the log's key has
    not signed that, or its files do not give its root."""
    note, head = trusted_head(files, head_at, log)
    found = Gathered(note, head.size)
    tree = TreeCheck(files, head.size, head.root)
    subjects = {incident, system_incident(partition_of(incident))}
    for leaves in tree.leaves():
        _take(leaves, incident, subjects, found)
    if tree.findings:
        raise NotALog(
            f"{files.name} is damaged ({tree.findings[0].where}); see: ledger verify {files.name}"
        )
    return found


def _take(leaves: Leaves, incident: UUID, subjects: set[UUID], found: Gathered) -> None:
    ids = [str(subject).encode() for subject in subjects]
    for index, entry in enumerate(leaves.entries, leaves.first):
        if not any(one in entry for one in ids):
            continue
        try:
            event = read(entry)
        except MalformedEnvelope:
            continue  # nobody's event; `ledger verify` tells of it
        if event.incident_id == incident:
            found.events.append((index, event))
        elif event.incident_id in subjects and isinstance(event.data, KeyRotated):
            found.rotations.append((index, event))


def evidence(
    files: Files, gathered: Gathered, items: Sequence[tuple[int, Event]]
) -> list[Evidence]:
    """Raises NotALog when a signature or a tile is missing."""
    signature_of, reader = Signatures(files, gathered.size), tile_reader(files)
    found = []
    for index, event in items:
        signature = signature_of(index)
        if signature is None:
            raise NotALog(f"{files.name} lacks the signature of leaf {index}")
        try:
            hashes = inclusion_from_tiles(index, gathered.size, reader)
        except TlogError as error:
            raise NotALog(str(error)) from error
        found.append(
            Evidence(event.envelope, signature, Proof(index, tuple(hashes), gathered.note))
        )
    return found


def heads_of(notes: Mapping[ServiceName, bytes], incident: UUID) -> Words:
    """Each service's word on the incident, unverified. Raises BadStatement."""
    heads: dict[ServiceName, IncidentStatement] = {}
    for service, note in notes.items():
        try:
            word = statements.parse(parse_note(note)[0])
        except TlogError as error:
            raise BadStatement(f"the word of {service} is no signed note: {error}") from error
        if not isinstance(word, IncidentStatement) or (word.service, word.incident_id) != (
            service,
            incident,
        ):
            raise BadStatement(f"that is not {service}'s word on incident {incident}")
        heads[service] = word
    return heads
