"""How a log is to be checked, and what came of it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shared.audit.heads import Seen
from shared.audit.order import OrderCheck
from shared.audit.subjects import Rules
from shared.audit.texts.check import TextCount
from shared.chain.findings import Finding
from shared.chain.link import Head
from shared.contract.vocabulary import ServiceName
from shared.tlog.checkpoint import Checkpoint

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
    texts: TextCount = field(default_factory=TextCount)
    """Counted where what the events say was read."""
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
    def to_remember(self) -> Seen | None:
        """The head to hold against the next one; None where there is doubt about this one."""
        if self.checkpoint is None or not self.may_be_remembered:
            return None
        return Seen(self.checkpoint.size, self.checkpoint.root)

    @property
    def may_be_remembered(self) -> bool:
        """Whether this head may be held against the next one."""
        return self.checkpoint is not None and not self.findings

    def drain(self, *found: list[Finding]) -> None:
        """Takes these away: a damaged log may have more findings than fit in memory."""
        for findings in found:
            if findings:
                self.add(findings)
                findings.clear()
