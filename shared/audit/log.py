"""A whole log, checked from its static files and a few public keys alone."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from shared.audit.anchors import Anchors
from shared.audit.chains import Chain, ChainCheck, every_signature
from shared.audit.files import Files, NotALog
from shared.audit.heads import Seen, continues, open_head, witnessed_head
from shared.audit.incidents import Rules, Sealed, check_incident, read_leaves
from shared.audit.order import OrderCheck
from shared.audit.spool import Spool
from shared.audit.tree import Signatures, TreeCheck, tile_reader
from shared.chain import statements
from shared.chain.findings import Finding
from shared.chain.link import Head
from shared.chain.statements import BadStatement, ChainHeads, Contradicted
from shared.contract.catalogue import short_name
from shared.contract.topics import is_system
from shared.contract.vocabulary import ServiceName
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.errors import TlogError

MOST_FINDINGS: Final = 1000
Progress = Callable[[str, int, int], None]
"""What is being read, how much of it, out of how much."""


@dataclass(frozen=True, slots=True)
class Options:
    """`rules` by service; None reads only how events are linked and sealed, and not what they
    say. `order` holds the log against the order of a topic."""

    rules: Mapping[ServiceName, Rules] | None
    every_signature: bool = False
    seen: Seen | None = None
    order: OrderCheck | None = None


@dataclass(frozen=True, slots=True)
class Behind:
    """What a service has said by its own word and the log has not sealed yet. On its way, and no
    finding."""

    service: ServiceName
    partition: int
    first: int
    last: int
    stated_at: datetime


@dataclass(slots=True)
class LogAudit:
    """What came of it. `witnessed` is the size that satisfies the policy, `sealed` how far each
    chain is sealed."""

    source: str
    checkpoint: Checkpoint | None = None
    cosigned: Mapping[str, int] = field(default_factory=dict)
    witnessed: int = 0
    sealed: Mapping[tuple[ServiceName, int], Head] = field(default_factory=dict)
    stated_at: dict[ServiceName, datetime] = field(default_factory=dict)
    unstated: bool = False
    """No service's word came with it, as where the log alone is served: that all they said was
    sealed is then not shown."""
    behind: list[Behind] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)
    incidents: int = 0
    findings: list[Finding] = field(default_factory=list)
    more_findings: int = 0

    def add(self, findings: list[Finding]) -> None:
        """Takes each once, and counts those that are too many to tell."""
        told = {(finding.code, finding.where) for finding in self.findings}
        for finding in findings:
            if (finding.code, finding.where) in told:
                continue
            told.add((finding.code, finding.where))
            if len(self.findings) < MOST_FINDINGS:
                self.findings.append(finding)
            else:
                self.more_findings += 1

    @property
    def may_be_remembered(self) -> bool:
        """Whether this head may be held against the next one."""
        return self.checkpoint is not None and not self.findings


def audit_log(files: Files, anchors: Anchors, options: Options, progress: Progress) -> LogAudit:
    """Raises NotALog, and Unreachable when the source does not answer."""
    audit = LogAudit(files.name)
    note = files.read("checkpoint")
    if note is None:
        raise NotALog(
            f"{files.name} has no checkpoint; is it a log's folder or address? It holds checkpoint, tile/, …"
        )
    words = {service: files.read(f"chains/{service}") for service in ServiceName}
    try:
        head = open_head(note, anchors.log, anchors.policy)
    except TlogError as error:
        audit.add([Finding("checkpoint_rejected", "checkpoint", str(error))])
        return audit
    seen = witnessed_head(
        head, files.read("witnessed"), anchors.log, anchors.policy, tile_reader(files)
    )
    audit.checkpoint, audit.cosigned, audit.witnessed = (
        head.checkpoint,
        seen.cosigned,
        seen.checkpoint.size,
    )
    audit.add(list(seen.findings))
    if options.seen is not None:
        audit.add(list(continues(options.seen, head.checkpoint, tile_reader(files))))
    with Spool(head.checkpoint.size if options.rules else 0) as spool:
        chains = _read(files, anchors, options, words, audit, spool, progress)
        _compare_words(words, chains, audit)
        if options.rules is not None:
            _read_incidents(spool, options.rules, audit, progress)
    return audit


def _read(
    files: Files,
    anchors: Anchors,
    options: Options,
    words: Mapping[ServiceName, bytes | None],
    audit: LogAudit,
    spool: Spool,
    progress: Progress,
) -> ChainCheck:
    assert audit.checkpoint is not None
    size = audit.checkpoint.size
    tree = TreeCheck(files, size, audit.checkpoint.root)
    chains = ChainCheck(anchors.trust, Signatures(files, size), _stated(words))
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
        _drain(audit, tree.findings, chains.findings)
    chains.finish()
    if options.order is not None:
        options.order.finish()
        _drain(audit, options.order.findings)
    _drain(audit, tree.findings, chains.findings)
    audit.sealed = {
        place: Head(chain.sequence, chain.hash) for place, chain in chains.chains.items()
    }
    return chains


def _drain(audit: LogAudit, *found: list[Finding]) -> None:
    """A damaged log may have more findings than fit in memory."""
    for findings in found:
        if findings:
            audit.add(findings)
            findings.clear()


def _stated(words: Mapping[ServiceName, bytes | None]) -> dict[tuple[ServiceName, int], Head]:
    """Up to which numbers the services' words go. Whether they count is seen afterwards, with all
    keys known."""
    stated: dict[tuple[ServiceName, int], Head] = {}
    for service, note in words.items():
        try:
            word = statements.parse((note or b"").rpartition(b"\n\n")[0].decode() + "\n")
        except (BadStatement, UnicodeDecodeError):
            continue
        if isinstance(word, ChainHeads) and word.service == service:
            stated |= {(service, partition): head for partition, head in word.stated()}
    return stated


def _compare_words(
    words: Mapping[ServiceName, bytes | None], chains: ChainCheck, audit: LogAudit
) -> None:
    audit.unstated = not any(words.values())
    if audit.unstated:
        return
    for service, note in words.items():
        where = f"chains/{service}"
        if note is None:
            audit.add([Finding("statement_missing", where, "there is no such file")])
            continue
        try:
            word = statements.open_statement(note, chains.trust)
        except BadStatement as error:
            audit.add([Finding("statement_rejected", where, str(error))])
            continue
        if not isinstance(word, ChainHeads) or word.service != service:
            audit.add(
                [Finding("statement_rejected", where, f"it is not {service}'s word on its chains")]
            )
            continue
        audit.stated_at[service] = word.time
        _compare_word(word, chains, audit)


def _compare_word(word: ChainHeads, chains: ChainCheck, audit: LogAudit) -> None:
    own = {
        partition: chain
        for (service, partition), chain in chains.chains.items()
        if service == word.service
    }

    def hash_at(partition: int, sequence: int) -> bytes | None:
        return own[partition].marks.get(sequence)

    for difference in statements.hold_against(word, _heads(own), hash_at):
        if isinstance(difference, Contradicted):
            detail = f"{difference.stated.hex()[:16]}… is stated, {difference.found.hex()[:16]}… was sealed"
            where = f"{difference.service}/{difference.partition} number {difference.sequence}"
            audit.add([Finding("statement_differs", where, detail)])
        else:
            audit.behind.append(
                Behind(
                    difference.service,
                    difference.partition,
                    difference.first,
                    difference.last,
                    word.time,
                )
            )


def _heads(own: Mapping[int, Chain]) -> dict[int, Head]:
    return {partition: Head(chain.sequence, chain.hash) for partition, chain in own.items()}


def _read_incidents(
    spool: Spool, rules: Mapping[ServiceName, Rules], audit: LogAudit, progress: Progress
) -> None:
    assert audit.checkpoint is not None
    done = 0
    for bucket in spool.buckets():
        sealed, findings = read_leaves(bucket)
        audit.add(findings)
        for history in by_incident(sealed):
            audit.incidents += not is_system(history[0].event.incident_id)
            audit.types.update(short_name(one.event.type) for one in history)
            audit.add(list(check_incident(history, rules)))
            done += len(history)
            progress("incidents", done, audit.checkpoint.size)


def by_incident(sealed: Sequence[Sealed]) -> Iterator[list[Sealed]]:
    """Each incident's events, in the order of the log."""

    def incident(one: Sealed) -> UUID:
        return one.event.incident_id

    for _, history in groupby(sorted(sealed, key=incident), key=incident):
        yield list(history)
