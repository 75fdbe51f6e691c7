"""A whole log, checked from its static files and a few public keys alone."""

from shared.audit.anchors import Anchors
from shared.audit.files import Files, NotALog
from shared.audit.histories import read_subjects
from shared.audit.opening import opened
from shared.audit.outcome import LogAudit, Options, Progress
from shared.audit.reading import read_chains
from shared.audit.spool import Spool
from shared.audit.words import compare_words, words_of


def audit_log(files: Files, anchors: Anchors, options: Options, progress: Progress) -> LogAudit:
    """Raises NotALog, and Unreachable when the source does not answer."""
    audit = LogAudit(files.name)
    note = files.read("checkpoint")
    if note is None:
        raise NotALog(
            f"{files.name} has no checkpoint; is it a log's folder or address? It holds "
            "checkpoint, tile/, …"
        )
    words = words_of(files)
    head = opened(files, note, anchors, options.seen, audit)
    if head is None:
        return audit
    with Spool(head.size if options.rules else 0) as spool:
        chains = read_chains(files, anchors, options, words, audit, spool, progress)
        compare_words(words, chains, audit)
        if options.rules is not None:
            read_subjects(spool, options, files, audit, progress)
    return audit
