"""The head of a log: whether it is the log's own, who cosigned it, and whether it continues what
was seen before."""

from shared.audit.anchors import Anchors
from shared.audit.files import Files
from shared.audit.heads import Seen, continues, open_head, witnessed_head
from shared.audit.outcome import LogAudit
from shared.audit.tree import tile_reader
from shared.chain.findings import Finding
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.errors import TlogError


def opened(
    files: Files, note: bytes, anchors: Anchors, before: Seen | None, audit: LogAudit
) -> Checkpoint | None:
    """The checkpoint in this note; None, with a finding, where it is not the log's."""
    try:
        head = open_head(note, anchors.log, anchors.policy)
    except TlogError as error:
        audit.add([Finding("checkpoint_rejected", "checkpoint", str(error))])
        return None
    reader = tile_reader(files)
    seen = witnessed_head(head, files.read("witnessed"), anchors.log, anchors.policy, reader)
    audit.checkpoint, audit.cosigned = head.checkpoint, seen.cosigned
    audit.witnessed = seen.checkpoint.size
    audit.add(list(seen.findings))
    if before is not None:
        audit.add(list(continues(before, head.checkpoint, reader)))
    return head.checkpoint
