"""Verifies whatever is named: a dossier, a log, or the running stack."""

from pathlib import Path

from deploy.ledger.check.believing import Pinned
from deploy.ledger.check.dossiers import verify_dossier
from deploy.ledger.check.logs import How, verify_log
from deploy.ledger.check.stacks import verify_stack
from deploy.ledger.check.verified import Verified
from deploy.ledger.check.web import open_files


def verified_of(
    source: str | None, data: Path | None, token: str | None, pinned: Pinned, how: How
) -> Verified:
    """A file is a dossier, a folder or an address a log; without a source, the stack of the data
    folder. Raises what `or_stop` tells."""
    if source is None:
        return verify_stack(data, pinned, how)
    if Path(source).is_file():
        return verify_dossier(Path(source), pinned)
    return verify_log(open_files(source, token), pinned, how)
