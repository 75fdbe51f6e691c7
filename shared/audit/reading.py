"""The leaves of a log, read once: its tree, its chains, and their order."""

from collections.abc import Mapping

from shared.audit.anchors import Anchors
from shared.audit.chains import ChainCheck, every_signature
from shared.audit.files import Files
from shared.audit.outcome import LogAudit, Options, Progress
from shared.audit.spool import Spool
from shared.audit.tree import Signatures, TreeCheck
from shared.audit.words import heads, stated
from shared.contract.vocabulary import ServiceName


def read_chains(
    files: Files,
    anchors: Anchors,
    options: Options,
    words: Mapping[ServiceName, bytes | None],
    audit: LogAudit,
    spool: Spool,
    progress: Progress,
) -> ChainCheck:
    """Every leaf once, in order: tree, chains, and what else the options ask of a leaf. What the
    rules will be held against goes into the spool."""
    assert audit.checkpoint is not None
    size = audit.checkpoint.size
    tree = TreeCheck(files, size, audit.checkpoint.root)
    chains = ChainCheck(anchors.trust, Signatures(files, size), stated(words))
    for leaves in tree.leaves():
        chains.take(leaves.first, leaves.entries, leaves.hashes)
        if options.every_signature:
            audit.add(
                list(
                    every_signature(leaves.first, leaves.entries, leaves.signature_of, chains.trust)
                )
            )
        if options.rules is not None:
            spool.take(leaves.first, leaves.entries)
        if options.order is not None:
            options.order.take(leaves)
        progress("leaves", leaves.first + len(leaves.entries), size)
        audit.drain(tree.findings, chains.findings)
    chains.finish()
    if options.order is not None:
        options.order.finish()
        audit.drain(options.order.findings)
    audit.drain(tree.findings, chains.findings)
    audit.sealed = heads(chains.chains)
    return chains
