"""`ledger verify`: re-check the whole history, trusting nobody but a few public keys."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.ledger.check import audits
from deploy.ledger.check.audits import Pinned
from deploy.ledger.check.stacklog import log_of_stack, pinned_by_stack
from deploy.ledger.check.verified import DossierVerified, LogVerified, StackVerified, Verified
from deploy.ledger.check.web import open_files
from deploy.ledger.options import (
    DataOption,
    PolicyOption,
    TokenOption,
    TrustOption,
    VkeyOption,
    or_stop,
)
from deploy.ledger.printing import show_json
from deploy.ledger.progress import counting
from deploy.ledger.sources import open_sources
from deploy.local.state import DEFAULT_DATA
from shared.audit.dossier.archive import MAX_SIZE
from shared.audit.dossier.checking import audit_dossier
from shared.audit.files import Files, read_regular
from shared.audit.heads import Seen
from shared.audit.log import Options, audit_log
from shared.audit.order import OrderCheck
from shared.audit.seen import SeenFile, default_path
from shared.contract.vocabulary import ServiceName
from shared.runtime.repair.auditing import Sources, Verification
from shared.runtime.repair.auditing import verify as verify_sources

SourceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[SOURCE]",
        help="Folder or http(s) address of a log's static files, or a dossier (.zip). "
        "Default: the running stack, its databases, its topic and its log.",
    ),
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        help="File that remembers the last head of each log, so that one that goes back or "
        "forks is refused. Default: seen.json in the stack's folder, or "
        "incident-ledger/seen.json in your state folder.",
    ),
]
EverySignatureOption = Annotated[
    bool,
    typer.Option(
        "--every-signature",
        help="Check each event's signature, not only those that vouch for it.",
    ),
]
LinksOnlyOption = Annotated[
    bool,
    typer.Option(
        "--links-only",
        help="Check hashes, chains, root and signatures, not what the events say.",
    ),
]


def verify(
    source: SourceArgument = None,
    data: DataOption = None,
    vkey: VkeyOption = None,
    trust: TrustOption = None,
    policy: PolicyOption = None,
    state_file: StateOption = None,
    every_signature: EverySignatureOption = False,
    links_only: LinksOnlyOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    token: TokenOption = None,
) -> None:
    """Check that nothing was dropped, inserted, reordered or changed, and that the rules were kept.

    Changes nothing but the state file. Exit code: 0 clean, 1 findings, 2 could not check."""
    pinned = Pinned(vkey, trust, policy)
    seen = SeenFile(
        state_file or (default_path() if source else (data or DEFAULT_DATA) / "seen.json")
    )
    how = How(every_signature, None if links_only else audits.rules(), seen, as_json)
    with or_stop():
        if source is None:
            verified: Verified = verify_stack(data, pinned, how)
        elif Path(source).is_file():
            verified = _dossier(Path(source), pinned)
        else:
            verified = _log(open_files(source, token), pinned, how)
    if as_json:
        show_json(verified.as_json())
    else:
        verified.show()
    raise typer.Exit(1 if verified.findings else 0)


@dataclass(frozen=True, slots=True)
class How:
    every_signature: bool
    rules: Any
    seen: SeenFile
    quiet: bool
    order: OrderCheck | None = None


def _log(files: Files, pinned: Pinned, how: How) -> LogVerified:
    believed = audits.believe(files, pinned)
    vkey = believed.anchors.log.vkey
    with counting(quiet=how.quiet) as bar:
        options = Options(how.rules, how.every_signature, how.seen.load(vkey), how.order)
        audit = audit_log(files, believed.anchors, options, bar)
    if audit.may_be_remembered and audit.checkpoint is not None:
        how.seen.save(vkey, Seen(audit.checkpoint.size, audit.checkpoint.root))
    return LogVerified(audit, believed)


def _dossier(path: Path, pinned: Pinned) -> DossierVerified:
    pins = audits.read_pins(pinned)
    data = read_regular(path, MAX_SIZE)
    reports = audits.audit_of(ServiceName.REVIEW).reports
    return DossierVerified(audit_dossier(str(path), data, pins, audits.rules(), reports))


def verify_stack(data: Path | None, pinned: Pinned, how: How) -> StackVerified:
    """Databases against the topic, and the log that is served."""
    sources = open_sources(data)
    verification = asyncio.run(check(sources, quiet=how.quiet))
    files = log_of_stack(data)
    if files is None or files.read("checkpoint") is None:
        return StackVerified(verification, None)
    pinned = pinned_by_stack(data, pinned)
    order = OrderCheck(verification.topic.order())
    return StackVerified(
        verification,
        _log(files, pinned, How(how.every_signature, how.rules, how.seen, how.quiet, order)),
    )


def verified_stack(data: Path) -> StackVerified:
    """A running local stack, checked as `ledger verify` does, without telling how far it is."""
    seen = SeenFile(data / "seen.json")
    return verify_stack(data, Pinned(), How(False, audits.rules(), seen, True))


async def check(sources: Sources, *, quiet: bool) -> Verification:
    """Databases against the topic."""
    with counting(quiet=quiet) as bar:
        return await verify_sources(sources, lambda name, count: bar(name, count, None))
