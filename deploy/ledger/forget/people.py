"""Where the commands about persons look: review's database, and the secret that pseudonyms are made
with."""

from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.ledger.mend.parked import environment_of
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.secretfiles import secret_in
from shared.runtime.say.people import People

DSN: Final = "LEDGER_DATABASE_DSN"
SECRET: Final = "LEDGER_PSEUDONYM_KEY_FILE"

SearchedData = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help=f"Data folder of a local stack (default: ./.ledger). With {DSN} set, review's own "
        f"settings in the environment instead: {DSN} and {SECRET}.",
    ),
]


def review_dsn(data: Path | None) -> str:
    """Raises StackError."""
    return environment_of(data, ServiceName.REVIEW)[DSN]


def people_of(data: Path | None) -> People:
    """Raises StackError; KeyError, OSError or ValueError where the secret cannot be had."""
    return People(secret_in(Path(environment_of(data, ServiceName.REVIEW)[SECRET])))
