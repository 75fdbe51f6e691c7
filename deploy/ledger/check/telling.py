"""The lines in which a verification is told to people."""

from collections.abc import Sequence
from datetime import UTC, datetime

from deploy.ledger.check.believing import Believed
from deploy.ledger.printing import bold, doubtful, say, show_table
from shared.audit.outcome import LogAudit
from shared.audit.texts.check import TextCount
from shared.chain.findings import Finding
from shared.contract.catalogue import MILESTONES
from shared.contract.vocabulary import ServiceName
from shared.runtime.repair.auditing import Verification


def moment(seconds: int) -> str:
    """POSIX seconds as ISO 8601, at most the last second of the year 9999."""
    return datetime.fromtimestamp(min(seconds, 253402300799), UTC).isoformat()


def show_stack(verification: Verification) -> None:
    """Databases and topic, in figures."""
    topic = verification.topic
    copies = f" (and {topic.copies} copies)" if topic.copies else ""
    spoilt = (
        f" (and {topic.spoilt} copies with a false signature, which nobody heard)"
        if topic.spoilt
        else ""
    )
    milestones = ", ".join(f"{topic.types[name]} {name}" for name in MILESTONES)
    others = sum(topic.types.values()) - sum(topic.types[name] for name in MILESTONES)
    say(
        "The topic holds ",
        bold(len(topic.hashes)),
        f" events of {len(topic.incidents)} incidents{copies}{spoilt}: "
        f"{milestones}, {others} others.",
    )
    told = verification.texts.last
    say(f"The topic of texts tells {sum(told.values())} texts of {len(told)} events.")
    for one in topic.settled:
        say(doubtful("Settled:"), f" {one.where} ({one.code}), {one.detail}")
    for ledger in verification.ledgers:
        held = ledger.texts
        say(
            f"{ledger.owner.value:>7}: {ledger.rows} rows of {len(ledger.versions)} incidents; "
            f"texts: {held.at_hand} at hand, {held.erased} erased, {held.not_here} not here"
        )


def of_texts(count: TextCount) -> str:
    """What became of the texts that people wrote."""
    total = count.shown + count.withheld + count.erased
    return (
        f"of {total} texts {count.shown} are shown, {count.withheld} withheld, "
        f"{count.erased} erased."
    )


def show_log(audit: LogAudit, believed: Believed) -> None:
    """The head of the log, its witnesses, and how far each service says it is sealed."""
    if audit.checkpoint is not None:
        _show_head(audit, audit.checkpoint.origin, audit.checkpoint.size)
    for service, time in audit.stated_at.items():
        said = f"by its own word of {time:%Y-%m-%d %H:%M:%S} UTC"
        say(f"{service.value:>7}: {_sealed(audit, service)}, {said}")
    if audit.unstated and audit.checkpoint is not None:
        say(
            doubtful("Not shown:"),
            " that everything the services said was sealed. Their own words on it are not here; "
            "ledger export brings them along, or take each service's /chains as chains/<service>.",
        )
    show_unpinned(believed.unpinned)
    show_foreign("The log", believed.foreign)


def _show_head(audit: LogAudit, origin: str, size: int) -> None:
    seen = ", ".join(f"{name} at {moment(at)}" for name, at in audit.cosigned.items())
    say(f"The log {origin} has sealed ", bold(size), f" events; witnessed by {seen or 'nobody'}.")
    if audit.witnessed < size:
        say(doubtful(f"{size - audit.witnessed} of them"), " no witness has seen yet.")


def _sealed(audit: LogAudit, service: ServiceName) -> str:
    waiting = sum(one.last - one.first + 1 for one in audit.behind if one.service == service)
    return f"{waiting} of its events are not sealed yet" if waiting else "all its events are sealed"


def show_unpinned(unpinned: Sequence[str]) -> None:
    """The keys for which there is no better reason than that they came along."""
    if unpinned:
        names = " and ".join(f"--{name.removeprefix('log.')}" for name in unpinned)
        say(
            doubtful("Believed as found there:"),
            f" give {names} with files that you have from somebody you trust.",
        )


def show_foreign(where: str, names: Sequence[str]) -> None:
    """What would have a reader believe somebody whom the auditor's own files do not name."""
    if names:
        say(
            doubtful(f"{where} brings other keys along than yours:"),
            f" {', '.join(names)}. Yours were used; a check by hand must use yours, too.",
        )


def show_findings(findings: Sequence[Finding], more: int = 0) -> None:
    """A table of them; nothing when there are none. `more` were counted and not kept."""
    if findings:
        show_table(
            ("code", "where", "detail", "event", "meaning"),
            [(one.code, one.where, one.detail, one.event_id, one.meaning) for one in findings],
            title=f"{len(findings) + more} findings",
            lines=True,
        )
