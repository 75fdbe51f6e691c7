"""The outcome of a verification, for people and for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from deploy.ledger.check import telling
from deploy.ledger.check.believing import Believed
from deploy.ledger.printing import bold, good, say
from shared.audit.dossier.outcome import DossierAudit
from shared.audit.outcome import Behind, LogAudit
from shared.chain.findings import Finding
from shared.runtime.repair.auditing import Verification


@dataclass(frozen=True, slots=True)
class LogVerified:
    """A log's static files, by the keys that were believed."""

    audit: LogAudit
    believed: Believed

    @property
    def findings(self) -> Sequence[Finding]:
        return self.audit.findings

    def as_json(self) -> dict[str, Any]:
        return {
            "clean": not self.findings,
            "log": self.log(),
            "events": dict(sorted(self.audit.types.items())),
            "findings": [_finding(one) for one in self.findings],
            "more_findings": self.audit.more_findings,
        }

    def log(self) -> dict[str, Any]:
        head = self.audit.checkpoint
        return {
            "source": self.audit.source,
            "believed": dict(self.believed.source),
            "foreign": list(self.believed.foreign),
            "origin": head.origin if head else None,
            "size": head.size if head else None,
            "root": head.root.hex() if head else None,
            "witnessed_size": self.audit.witnessed,
            "cosigned": {name: telling.moment(at) for name, at in self.audit.cosigned.items()},
            "incidents": self.audit.incidents,
            "texts": asdict(self.audit.texts),
            "sealed": {
                f"{service}/{number}": head.sequence
                for (service, number), head in self.audit.sealed.items()
            },
            "not_sealed_yet": [_behind(one) for one in self.audit.behind],
            "unstated": self.audit.unstated,
        }

    def show(self) -> None:
        telling.show_log(self.audit, self.believed)
        if not self.findings:
            agrees = "" if self.audit.unstated else ", and each service's own word agrees"
            say(good("Clean."), f" The log is as its checkpoint says{agrees}.")
        if self.audit.types:
            say("Texts: ", telling.of_texts(self.audit.texts))
        else:
            say("The content of the events was not read.")
        telling.show_findings(self.findings, self.audit.more_findings)


@dataclass(frozen=True, slots=True)
class DossierVerified:
    audit: DossierAudit

    @property
    def findings(self) -> Sequence[Finding]:
        return self.audit.findings

    def as_json(self) -> dict[str, Any]:
        about = self.audit
        return {
            "clean": not self.findings,
            "dossier": {
                "source": about.source,
                "incident": str(about.incident) if about.incident else None,
                "events": about.events,
                "texts": asdict(about.texts),
                "size": about.checkpoint.size if about.checkpoint else None,
                "as_of": {
                    service.value: time.isoformat() for service, time in about.stated_at.items()
                },
                "unpinned": list(about.unpinned),
                "foreign": list(about.foreign),
            },
            "findings": [_finding(one) for one in self.findings],
        }

    def show(self) -> None:
        about = self.audit
        shown = f": {about.events} events, each shown to be in the log."
        say("Dossier of incident ", bold(about.incident), shown)
        say("Texts: ", telling.of_texts(about.texts))
        for service, time in about.stated_at.items():
            said = f"by its own word of {time:%Y-%m-%d %H:%M:%S} UTC"
            say(f"{service.value:>7}: these are all its events, {said}")
        telling.show_unpinned(about.unpinned)
        telling.show_foreign("The dossier", about.foreign)
        if not self.findings:
            say(
                good("Clean."), " Nothing is missing, nothing was changed, and the rules were kept."
            )
        telling.show_findings(self.findings)


@dataclass(frozen=True, slots=True)
class StackVerified:
    """Databases and topic, and the log where one is served."""

    verification: Verification
    log: LogVerified | None

    @property
    def findings(self) -> Sequence[Finding]:
        return [*self.verification.findings, *(self.log.findings if self.log else ())]

    def as_json(self) -> dict[str, Any]:
        return {
            **_as_json(self.verification),
            "clean": not self.findings,
            "log": self.log.log() if self.log else None,
            "findings": [_finding(one) for one in self.findings],
        }

    def show(self) -> None:
        telling.show_stack(self.verification)
        if self.log is not None:
            telling.show_log(self.log.audit, self.log.believed)
        if not self.findings:
            say(good("Clean."), CLEAN)
        telling.show_findings(self.findings, self.log.audit.more_findings if self.log else 0)


Verified = LogVerified | DossierVerified | StackVerified

CLEAN: Final = (
    " Every chain is gapless and linked, every signature holds, every version follows the one"
    " before, and the databases and the topic hold the same bytes."
)


def _as_json(verification: Verification) -> dict[str, Any]:
    return {
        "topic": {
            "messages": verification.topic.messages,
            "events": len(verification.topic.hashes),
            "copies": verification.topic.copies,
            "spoilt_copies": verification.topic.spoilt,
            "settled": [_finding(one) for one in verification.topic.settled],
            "incidents": len(verification.topic.incidents),
        },
        "topic_of_texts": {
            "messages": verification.texts.messages,
            "events": len(verification.texts.last),
            "texts": sum(verification.texts.last.values()),
        },
        "events": dict(sorted(verification.topic.types.items())),
        "ledgers": {
            check.owner.value: {
                "rows": check.rows,
                "incidents": len(check.versions),
                "texts": asdict(check.texts),
            }
            for check in verification.ledgers
        },
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "where": finding.where,
        "detail": finding.detail,
        "event_id": str(finding.event_id) if finding.event_id else None,
        "meaning": finding.meaning,
    }


def _behind(one: Behind) -> dict[str, Any]:
    return {
        "chain": f"{one.service}/{one.partition}",
        "first": one.first,
        "last": one.last,
        "stated_at": one.stated_at.isoformat(),
    }
