"""`ledger export`: a log to take away and verify elsewhere."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.check.believing import log_key
from deploy.ledger.check.stacklog import log_at
from deploy.ledger.check.told import (
    ForOption,
    Handing,
    PersonOption,
    TextsOption,
    WithholdOption,
    handing,
)
from deploy.ledger.options import DataOption, LogArgument, TokenOption, VkeyOption, or_stop
from deploy.ledger.printing import say
from deploy.ledger.progress import counting
from shared.audit.export import export as export_log
from shared.audit.files import TEXTS, Folder
from shared.audit.history import Until, history
from shared.audit.texts.lines import write_file
from shared.audit.texts.readers import Reader
from shared.audit.writing import refusals, write_whole
from shared.tlog.keys import Verifier


def export(
    folder: Annotated[
        Path, typer.Argument(help="Where the files go; run again, it fetches only what is new.")
    ],
    source: LogArgument = None,
    data: DataOption = None,
    reader: ForOption = Reader.AUDITOR,
    withhold: WithholdOption = None,
    person: PersonOption = None,
    texts: TextsOption = None,
    vkey: VkeyOption = None,
    token: TokenOption = None,
) -> None:
    """Copy all static files of a log into a folder, to verify, replay and keep them without asking
    its operator again; with the texts that this reader may see.

    The texts of an earlier export into the folder are replaced, or taken away where this reader
    sees none."""
    with or_stop():
        chosen = handing(reader, withhold, person, source, data, texts)
        with counting() as bar:
            files = log_at(source, data, token)
            key = log_key(files, vkey)
            done = export_log(files, folder, key, bar)
        shown = _hand_over(folder, key, chosen)
    say(f"{done.size} events in {folder}: {done.fetched} files fetched, {done.kept} were there.")
    say(f"For {reader}: {shown} texts beside them.")
    say(f"Verify them with: ledger verify {shlex.quote(str(folder))}")


def _hand_over(folder: Path, key: Verifier, chosen: Handing) -> int:
    """Writes the texts that the reader may see beside the log. How many they are."""
    beside = folder / TEXTS
    # First of all: whatever fails from here on, nobody gets what was chosen for another reader.
    with refusals(beside):
        beside.unlink(missing_ok=True)
    if chosen.nothing:
        return 0
    events = [one.event for one in history(Folder(folder), key, Until(), None, lambda *_: None)]
    shown = chosen.of(events)
    write_whole(beside, write_file(shown.items()), 0o600)
    return sum(map(len, shown.values()))
