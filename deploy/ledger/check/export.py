"""`ledger export`: a log to take away and verify elsewhere."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.check.believing import log_key
from deploy.ledger.check.stacklog import log_at
from deploy.ledger.options import DataOption, LogArgument, TokenOption, VkeyOption, or_stop
from deploy.ledger.printing import say
from deploy.ledger.progress import counting
from shared.audit.export import export as export_log


def export(
    folder: Annotated[
        Path, typer.Argument(help="Where the files go; run again, it fetches only what is new.")
    ],
    source: LogArgument = None,
    data: DataOption = None,
    vkey: VkeyOption = None,
    token: TokenOption = None,
) -> None:
    """Copy all static files of a log into a folder, to verify, replay and keep them without asking
    its operator again."""
    with or_stop(), counting() as bar:
        files = log_at(source, data, token)
        done = export_log(files, folder, log_key(files, vkey), bar)
    say(f"{done.size} events in {folder}: {done.fetched} files fetched, {done.kept} were there.")
    say(f"Verify them with: ledger verify {shlex.quote(str(folder))}")
