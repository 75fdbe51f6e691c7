"""`ledger verify`: re-check the whole history, trusting nobody but a few public keys."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.check.believing import Pinned
from deploy.ledger.check.logs import How
from deploy.ledger.check.rules import rules
from deploy.ledger.check.verifying import verified_of
from deploy.ledger.options import (
    DataOption,
    PolicyOption,
    TokenOption,
    TrustOption,
    VkeyOption,
    or_stop,
)
from deploy.ledger.printing import show_json
from deploy.local.state import DEFAULT_DATA
from shared.audit.seen import SeenFile, default_path

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
    how = How(every_signature, None if links_only else rules(), seen, as_json)
    with or_stop():
        verified = verified_of(source, data, token, pinned, how)
    if as_json:
        show_json(verified.as_json())
    else:
        verified.show()
    raise typer.Exit(1 if verified.findings else 0)
