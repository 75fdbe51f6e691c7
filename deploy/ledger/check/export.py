"""`ledger export`: a log to take away and verify elsewhere."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.check import audits
from deploy.ledger.check.audits import Pinned, TokenOption, VkeyOption
from deploy.ledger.check.stacklog import log_of_stack
from deploy.ledger.check.web import open_files
from deploy.ledger.printing import say
from deploy.ledger.progress import counting
from deploy.ledger.sources import DataOption, or_stop
from deploy.local.errors import StackError
from shared.audit.export import export as export_log
from shared.audit.files import Files

LogArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[SOURCE]", help="Folder or http(s) address of a log. Default: the running stack's."
    ),
]


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
        believed = audits.believe(files, Pinned(vkey))
        done = export_log(files, folder, believed.anchors.log, bar)
    say(f"{done.size} events in {folder}: {done.fetched} files fetched, {done.kept} were there.")
    say(f"Verify them with: ledger verify {shlex.quote(str(folder))}")


def log_at(source: str | None, data: Path | None, token: str | None) -> Files:
    """The log at this folder or address, or the stack's. Raises StackError, Unreachable."""
    if source is not None:
        return open_files(source, token)
    files = log_of_stack(data)
    if files is None:
        raise StackError(
            "no stack runs here; name the folder or address of a log, or a stack with --data"
        )
    return files
