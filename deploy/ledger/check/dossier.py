"""`ledger dossier`: one incident in one file that proves itself."""

import shlex
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from deploy.ledger.check import telling
from deploy.ledger.check.believing import Pinned, read_pins
from deploy.ledger.check.dossiers import checked
from deploy.ledger.check.packing import dossier_of
from deploy.ledger.check.services import heads_from_stack, heads_in
from deploy.ledger.check.stacklog import log_at
from deploy.ledger.check.told import (
    ForOption,
    PersonOption,
    TextsOption,
    WithholdOption,
    handing,
)
from deploy.ledger.options import DataOption, LogArgument, TokenOption, VkeyOption, or_stop
from deploy.ledger.printing import note, say
from deploy.ledger.progress import steps
from shared.audit.texts.readers import Reader
from shared.audit.writing import write_whole


def dossier(
    incident: UUID,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .zip file to write.")],
    source: LogArgument = None,
    data: DataOption = None,
    heads: Annotated[
        Path | None,
        typer.Option(
            help="Folder with each service's signed word on the incident. "
            "Default: the stack's services are asked."
        ),
    ] = None,
    reader: ForOption = Reader.AUDITOR,
    withhold: WithholdOption = None,
    person: PersonOption = None,
    texts: TextsOption = None,
    vkey: VkeyOption = None,
    token: TokenOption = None,
) -> None:
    """Write one file that proves what was said of an incident, and that nothing is missing, to
    somebody without a stack; with the texts that this reader may see.

    The same events, words, texts and checkpoint give the same bytes. It shows nothing of any other
    incident."""
    with or_stop():
        shown = handing(reader, withhold, person, source, data, texts)
        with steps("reading the log") as tell:
            notes = heads_in(heads) if heads is not None else heads_from_stack(data, incident)
            pins = read_pins(Pinned(vkey))
            archive = dossier_of(log_at(source, data, token), incident, notes, tell, pins, shown.of)
        write_whole(output, archive, 0o600)
    _tell(output, archive, reader)


def _tell(output: Path, archive: bytes, reader: Reader) -> None:
    found = checked(str(output), archive)
    say(f"{output}: {found.events} events, {len(archive):,} bytes.")
    say(f"For {reader}: {telling.of_texts(found.texts)}")
    say(f"Verify it with: ledger verify {shlex.quote(str(output))}")
    if found.findings:
        note(
            f"It shows {len(found.findings)} findings, which belong to the record; "
            "ledger verify tells them."
        )
