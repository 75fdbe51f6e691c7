"""The texts that are handed over with a dossier or an export: where they come from, for whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.check.rules import kind_of
from deploy.ledger.check.services import texts_from_stack
from shared.audit.files import MAX_TEXTS, TEXTS, read_regular
from shared.audit.texts.check import Told
from shared.audit.texts.lines import read_file
from shared.audit.texts.readers import Reader, Showing, shown_of
from shared.contract.envelope import Event

ForOption = Annotated[
    Reader,
    typer.Option(
        "--for",
        help="Who will read it. An auditor gets no text, and needs none; a court all; internal: "
        "all but legal advice; a guest facts, actions and messages; an employee what --person "
        "reported. What is not shown is proved withheld.",
    ),
]
WithholdOption = Annotated[
    list[str] | None,
    typer.Option(
        "--withhold",
        metavar="FIELD",
        help="A field that the reader does not see either: target, action_proposed, or "
        "action_proposed.target. May be given more than once.",
    ),
]
PersonOption = Annotated[
    str | None,
    typer.Option("--person", metavar="PSEUDONYM", help="The employee, with --for employee."),
]
TextsOption = Annotated[
    Path | None,
    typer.Option(
        "--texts",
        help=f"File with the texts. Default: {TEXTS} in the log's folder, else the stack's "
        "services are asked.",
    ),
]


@dataclass(frozen=True, slots=True)
class Handing:
    """What is handed over, and where it comes from: a file, else the stack in the data folder."""

    showing: Showing
    data: Path | None
    file: Path | None

    @property
    def nothing(self) -> bool:
        return self.showing.nothing

    def of(self, events: Sequence[Event]) -> Told:
        """The texts of these events that the reader may see, by event. Raises StackError, OSError,
        and ValueError where the file is damaged."""
        if self.nothing:
            return {}
        return shown_of(events, self._told(events), self.showing)

    def _told(self, events: Sequence[Event]) -> Told:
        if self.file is None:
            return texts_from_stack(self.data, dict.fromkeys(one.subject_id for one in events))
        told, findings = read_file(read_regular(self.file, MAX_TEXTS))
        if findings:
            raise ValueError(f"{self.file}: {findings[0].where}: {findings[0].detail}")
        return told


def handing(
    reader: Reader,
    withhold: list[str] | None,
    person: str | None,
    source: str | None,
    data: Path | None,
    file: Path | None,
) -> Handing:
    """By the options of a command; texts that lie in the log's folder come before the stack's.
    Raises BadReader."""
    showing = Showing(reader, kind_of, frozenset(withhold or ()), person)
    if file is None and source is not None and (beside := Path(source) / TEXTS).is_file():
        file = beside
    return Handing(showing, data, file)
