"""Finds one incident's events in a log."""

from uuid import UUID

from shared.audit.dossier.gathered import Gathered
from shared.audit.files import Files, NotALog
from shared.audit.heads import trusted_head
from shared.audit.tree import Leaves, TreeCheck
from shared.contract.catalogue.system import KeyRotated
from shared.contract.envelope import MalformedEnvelope, read
from shared.contract.topics import partition_of, system_subject
from shared.tlog.keys import Verifier


def gather(files: Files, log: Verifier, incident: UUID, head_at: str) -> Gathered:
    """Reads the whole log once, up to the head at this path. Raises NotALog when the log's key has
    not signed that, or its files do not give its root."""
    note, head = trusted_head(files, head_at, log)
    found = Gathered(note, head.size)
    tree = TreeCheck(files, head.size, head.root)
    subjects = {incident, system_subject(partition_of(incident))}
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
        if event.subject_id == incident:
            found.events.append((index, event))
        elif event.subject_id in subjects and isinstance(event.data, KeyRotated):
            found.rotations.append((index, event))
