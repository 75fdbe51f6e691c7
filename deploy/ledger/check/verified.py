"""What came of a verification, for people and for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from deploy.ledger.check.audits import Believed
from shared.audit.dossier import DossierAudit
from shared.audit.log import Behind, LogAudit
from shared.chain.findings import Finding
from shared.contract.catalogue import MILESTONES
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
            "origin": head.origin if head else None,
            "size": head.size if head else None,
            "root": head.root.hex() if head else None,
            "witnessed_size": self.audit.witnessed,
            "cosigned": {name: _moment(at) for name, at in self.audit.cosigned.items()},
            "incidents": self.audit.incidents,
            "sealed": {
                f"{service}/{number}": head.sequence
                for (service, number), head in self.audit.sealed.items()
            },
            "not_sealed_yet": [_behind(one) for one in self.audit.behind],
            "unstated": self.audit.unstated,
        }

    def show(self, console: Console) -> None:
        _show_log(console, self)
        if not self.findings:
            agrees = "" if self.audit.unstated else ", and each service's own word agrees"
            _say(console, f"[green]Clean.[/] The log is what its checkpoint says{agrees}.")
        if not self.audit.types:
            _say(console, "What the events say was not read.")
        _show_findings(console, self.findings, self.audit.more_findings)


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
                "size": about.checkpoint.size if about.checkpoint else None,
                "as_of": {
                    service.value: time.isoformat() for service, time in about.stated_at.items()
                },
                "unpinned": list(about.unpinned),
            },
            "findings": [_finding(one) for one in self.findings],
        }

    def show(self, console: Console) -> None:
        about = self.audit
        console.print(
            f"Dossier of incident [bold]{about.incident}[/]: {about.events} events, each shown to be in the log."
        )
        for service, time in about.stated_at.items():
            _say(
                console,
                f"{service.value:>7}: these are all its events, by its own word of {time:%Y-%m-%d %H:%M:%S} UTC",
            )
        _show_unpinned(console, about.unpinned)
        if not self.findings:
            console.print(
                "[green]Clean.[/] Nothing is missing, nothing was changed, and the rules were kept."
            )
        _show_findings(console, self.findings)


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

    def show(self, console: Console) -> None:
        _show_stack(console, self.verification)
        if self.log is not None:
            _show_log(console, self.log)
        if not self.findings:
            console.print(CLEAN)
        _show_findings(console, self.findings, self.log.audit.more_findings if self.log else 0)


Verified = LogVerified | DossierVerified | StackVerified

CLEAN: Final = (
    "[green]Clean.[/] Every chain is gapless and linked, every signature holds, every version follows the one before, "
    "and the databases and the topic hold the same bytes."
)


def _as_json(verification: Verification) -> dict[str, Any]:
    return {
        "topic": {
            "messages": verification.topic.messages,
            "events": len(verification.topic.hashes),
            "copies": verification.topic.copies,
            "spoilt_copies": verification.topic.spoilt,
            "incidents": len(verification.topic.incidents),
        },
        "events": dict(sorted(verification.topic.types.items())),
        "ledgers": {
            check.owner.value: {"rows": check.rows, "incidents": len(check.versions)}
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


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(min(seconds, 253402300799), UTC).isoformat()


def _show_stack(console: Console, verification: Verification) -> None:
    topic = verification.topic
    console.print(
        f"The topic holds [bold]{len(topic.hashes)}[/] events of {len(topic.incidents)} incidents"
        + (f" (and {topic.copies} copies)" if topic.copies else "")
        + (
            f" (and {topic.spoilt} copies with a false signature, which nobody heard)"
            if topic.spoilt
            else ""
        )
        + ": "
        + ", ".join(f"{topic.types[name]} {name}" for name in MILESTONES)
        + f", {sum(topic.types.values()) - sum(topic.types[name] for name in MILESTONES)} others."
    )
    for ledger in verification.ledgers:
        console.print(
            f"{ledger.owner.value:>7}: {ledger.rows} rows of {len(ledger.versions)} incidents"
        )


def _show_log(console: Console, verified: LogVerified) -> None:
    audit = verified.audit
    if audit.checkpoint is not None:
        size = audit.checkpoint.size
        seen = (
            ", ".join(f"{escape(name)} at {_moment(at)}" for name, at in audit.cosigned.items())
            or "nobody"
        )
        _say(
            console,
            f"The log {escape(audit.checkpoint.origin)} has sealed [bold]{size}[/] events; witnessed by {seen}.",
        )
        if audit.witnessed < size:
            _say(console, f"[yellow]{size - audit.witnessed} of them[/] no witness has seen yet.")
    for service, time in audit.stated_at.items():
        waiting = sum(one.last - one.first + 1 for one in audit.behind if one.service == service)
        sealed = (
            f"{waiting} of its events are not sealed yet"
            if waiting
            else "all its events are sealed"
        )
        _say(
            console,
            f"{service.value:>7}: {sealed}, by its own word of {time:%Y-%m-%d %H:%M:%S} UTC",
        )
    if audit.unstated and audit.checkpoint is not None:
        _say(
            console,
            "[yellow]Not shown:[/] that all the services said was sealed. Their own words on it are not here; "
            "ledger export brings them along, or take each service's /chains as chains/<service>.",
        )
    _show_unpinned(console, verified.believed.unpinned)


def _show_unpinned(console: Console, unpinned: Sequence[str]) -> None:
    if unpinned:
        names = " and ".join(f"--{name.removeprefix('log.')}" for name in unpinned)
        _say(
            console,
            f"[yellow]Believed as found there:[/] give {names} with files that you have from somebody you trust.",
        )


def _say(console: Console, line: str) -> None:
    console.print(line, soft_wrap=True, highlight=False)


def shown(text: str) -> Text:
    """What may come from an enemy, as it is: no markup, and nothing that a terminal would obey."""
    return Text("".join(sign if sign.isprintable() else "\ufffd" for sign in text))


def _show_findings(console: Console, findings: Sequence[Finding], more: int = 0) -> None:
    if not findings:
        return
    table = Table(
        "code",
        "where",
        "detail",
        "event",
        "what it means",
        title=f"{len(findings) + more} findings",
    )
    for one in findings:
        table.add_row(
            *map(shown, (one.code, one.where, one.detail, str(one.event_id or ""), one.meaning))
        )
    console.print(table)
