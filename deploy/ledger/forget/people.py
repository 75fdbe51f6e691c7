"""Where the commands about persons look: review's database, and the secret that pseudonyms are made
with."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.ledger.mend.parked import environment_of, run_service
from shared.contract.catalogue.review import ErasureGround
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.secretfiles import secret_in
from shared.runtime.say.people import People

DSN: Final = "LEDGER_DATABASE_DSN"
INTAKE_DSN: Final = "LEDGER_INTAKE_DSN"
SECRET: Final = "LEDGER_PSEUDONYM_KEY_FILE"

SearchedData = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help=f"Data folder of a local stack (default: ./.ledger). With {DSN} set, review's own "
        f"settings in the environment instead: {DSN} and {SECRET}, and {INTAKE_DSN} for who "
        "reported.",
    ),
]


def review_dsn(data: Path | None) -> str:
    """Raises StackError."""
    return environment_of(data, ServiceName.REVIEW)[DSN]


def intake_dsn(data: Path | None) -> str:
    """Raises StackError; KeyError naming the variable that is not set."""
    if data is None and DSN in os.environ:
        return os.environ[INTAKE_DSN]
    return environment_of(data, ServiceName.INTAKE)[DSN]


def people_of(data: Path | None) -> People:
    """Raises StackError; KeyError, OSError or ValueError where the secret cannot be had."""
    return People(secret_in(Path(environment_of(data, ServiceName.REVIEW)[SECRET])))


def erase_entry(
    data: Path | None, pseudonym: str, ground: ErasureGround, by: str, confirmed_by: str
) -> None:
    """Has review say that the person is erased from every directory, and ends as it does."""
    said = [f"--ground={ground.value}", f"--proposed-by={by}", f"--confirmed-by={confirmed_by}"]
    run_service(data, ServiceName.REVIEW, *said, "--erase-person", pseudonym)
