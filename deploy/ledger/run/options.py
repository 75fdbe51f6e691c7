"""What the commands of a local stack share: the option that names its data folder, and how a
failure is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.ledger.printing import complain
from deploy.local.errors import StackError
from deploy.local.folder import explain
from shared.audit.writing import CannotWrite

FAILED: Final = 1

DataFolder = Annotated[Path, typer.Option("--data", help="The stack's data folder.")]


@contextmanager
def or_say_why() -> Iterator[None]:
    """One clear line, and exit code 1."""
    try:
        yield
    except StackError as error:
        complain(error)
    except CannotWrite as error:
        complain(error.strerror)
    except OSError as error:
        if error.filename is None:
            raise
        complain(explain(error, "choose another place, or make this one readable and writable"))
    else:
        return
    raise typer.Exit(FAILED)
