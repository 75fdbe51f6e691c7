"""What came of checking a dossier."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shared.audit.texts.check import TextCount
from shared.chain.findings import Finding
from shared.contract.envelope import Event
from shared.contract.vocabulary import ServiceName
from shared.tlog.checkpoint import Checkpoint


@dataclass(slots=True)
class DossierAudit:
    """The outcome. `stated_at`: when each service gave its word that these are all its events;
    `unpinned`: what the auditor brought no pin for; `foreign`: what would have one believe somebody
    whom a pin does not."""

    source: str
    incident: UUID | None = None
    checkpoint: Checkpoint | None = None
    events: int = 0
    texts: TextCount = field(default_factory=TextCount)
    stated_at: dict[ServiceName, datetime] = field(default_factory=dict)
    unpinned: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    def find(self, code: str, where: str, detail: str, event: Event | None = None) -> None:
        self.findings.append(Finding(code, where, detail, event.id if event else None))
