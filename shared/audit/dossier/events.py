"""The events of a dossier: each read strictly, signed with the key in force, and shown to be in the
log."""

from collections.abc import Mapping

from shared.audit.dossier.outcome import DossierAudit
from shared.audit.heads import Opened
from shared.audit.subjects import Sealed
from shared.chain.trust import Trust
from shared.contract.envelope import Event, MalformedEnvelope, read
from shared.tlog.errors import TlogError
from shared.tlog.merkle import verify_inclusion
from shared.tlog.proof import SUFFIX, Proof


def sealed_event(
    audit: DossierAudit, parts: Mapping[str, bytes], name: str, keys: Trust, opened: Opened
) -> Sealed | None:
    """The event of this name and its leaf; what is wrong with it is found. None when nothing of it
    can be checked."""
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
