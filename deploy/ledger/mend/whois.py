"""`ledger whois`: who stands behind a pseudonym, and which pseudonym a subject has."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.ledger.mend.intake import DataFolder, people_of, within
from deploy.ledger.options import or_stop
from deploy.ledger.printing import complain, say
from shared.contract.pseudonym import is_pseudonym
from shared.runtime.say.people import names


def whois(
    person: Annotated[str, typer.Argument(help="A pseudonym, or the subject (`sub`) of a token.")],
    data: DataFolder = None,
) -> None:
    """Print a person's pseudonym, and the name that the directory knows.

    A subject always has its pseudonym; a pseudonym leads back to a name only while the directory
    holds one."""
    with or_stop():
        pseudonym = _pseudonym(data, person)
        known = within(data, lambda connection: names(connection, [pseudonym]))
    if not known and is_pseudonym(person):
        complain("The directory knows nobody by this pseudonym; who was erased is not in it.")
        raise typer.Exit(1)
    say(f"{pseudonym}  {known.get(pseudonym, '(not in the directory)')}")


def _pseudonym(data: Path | None, person: str) -> str:
    return person if is_pseudonym(person) else people_of(data).pseudonym_of(person)
