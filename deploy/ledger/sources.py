"""Where the auditing commands read: the local stack of a data folder, or any Kafka and Postgres by
environment."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from deploy.ledger.printing import complain
from deploy.ledger.terminal import COULD_NOT
from deploy.local import state
from deploy.local.errors import StackError
from shared.audit.files import Unreachable
from shared.audit.writing import CannotWrite
from shared.contract.topics import TOPIC
from shared.contract.vocabulary import ServiceName
from shared.runtime.process.keyfiles import load_trust
from shared.runtime.process.persistence import BROKER_AWAY, DATABASE_AWAY
from shared.runtime.process.settings import KafkaSettings
from shared.runtime.repair.auditing import Sources

OF_A_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE})
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


def open_sources(data: Path | None) -> Sources:
    """Raises ValueError or OSError with what to do next."""
    template = os.environ.get("LEDGER_AUDITOR_DSN")
    if data is None and template is not None:
        kafka = KafkaSettings()
        return Sources(
            {service: template.replace("{service}", service.value) for service in ServiceName},
            kafka.kafka(),
            os.environ.get("LEDGER_TOPIC", TOPIC),
            load_trust(Path(os.environ["LEDGER_TRUST_FILE"])),
        )
    stack = state.load(data or state.DEFAULT_DATA)
    return Sources(
        {service: stack.services[service.value].auditor_dsn for service in ServiceName},
        stack.broker.client(),
        stack.topic,
        load_trust(stack.trust_file),
    )


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
        _stop(f"a database does not answer: {error}. Is the stack up? `ledger status` tells.")


def _of_a_file(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else "the disk: "
    return where + (error.strerror or str(error))


def _stop(why: str) -> NoReturn:
    complain(why)
    raise typer.Exit(COULD_NOT)
