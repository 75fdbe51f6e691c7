"""What the auditing commands share: the options that name what they read and whom they believe,
and how a failure is told."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from deploy.ledger.printing import complain
from deploy.ledger.terminal import COULD_NOT
from deploy.local.errors import StackError
from shared.audit.files import Unreachable
from shared.audit.writing import CannotWrite
from shared.runtime.process.persistence import BROKER_AWAY, DATABASE_AWAY, NO_SPACE, is_full

OF_A_DISK: Final = NO_SPACE | {errno.EROFS, errno.EIO, errno.EMFILE}
"""What a system says of its disks, where it names no file."""

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data folder of a local stack (default: ./.ledger). With LEDGER_AUDITOR_DSN set, "
        "that is read instead: a DSN in which {service} stands for the service, with "
        "LEDGER_KAFKA_* and LEDGER_TRUST_FILE.",
    ),
]


LogArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[SOURCE]", help="Folder or http(s) address of a log. Default: the running stack's."
    ),
]


VkeyOption = Annotated[
    Path | None,
    typer.Option(
        "--vkey",
        help="File with the log's verifier key. Default: the log's own, which proves little.",
    ),
]
TrustOption = Annotated[
    Path | None,
    typer.Option("--trust", help="File with the services' verifier keys. Default: the log's own."),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        help="File in the format of c2sp.org/tlog-policy: which witnesses. Default: the log's own.",
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="LEDGER_TOKEN",
        help="For a log that is not open to all; better in LEDGER_TOKEN.",
    ),
]

UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="TIME|SIZE",
        help="Only up to this moment: a time, UTC (2026-03-02T09:00:00Z), or a size of the "
        "log (its first so many events).",
    ),
]


@contextlib.contextmanager
def or_stop() -> Iterator[None]:
    """Turns what keeps a command from doing its work into one clear line and exit code 2."""
    try:
        yield
    except CannotWrite as error:
        _stop(error.strerror or str(error))
    except Unreachable as error:
        _stop(str(error))
    except BROKER_AWAY as error:
        _stop(f"Kafka does not answer: {error}. Is the stack up? `ledger status` tells.")
    except KeyError as error:
        _stop(f"{error.args[0]} is not set")
    except (StackError, ValueError, RecursionError) as error:
        _stop(str(error))
    except DATABASE_AWAY as error:
        if isinstance(error, OSError) and (error.filename or error.errno in OF_A_DISK):
            _stop(_of_a_file(error))
        if is_full(error):
            _stop("the disk of a database is full: make space, then run the command again")
        _stop(f"a database does not answer: {error}. Is the stack up? `ledger status` tells.")


def _of_a_file(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else "the disk: "
    return where + (error.strerror or str(error))


def _stop(why: str) -> NoReturn:
    complain(why)
    raise typer.Exit(COULD_NOT)
