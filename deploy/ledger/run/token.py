"""`ledger token`: a signed token for the local stack, so that one can call its services as
somebody."""

from datetime import timedelta
from typing import Annotated, Final

import typer

from deploy.ledger.printing import say
from deploy.ledger.run.options import DataFolder, or_say_why
from deploy.local import state
from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.contract.authority import Role
from shared.runtime.web.persons import subjects

LONGEST_HOURS: Final = 24.0


def _name(given: str) -> str:
    """The subject as the services accept it."""
    if (flaw := subjects.flaw(given)) is not None:
        raise typer.BadParameter(flaw)
    return given


def _hours(given: float) -> float:
    # A comparison with NaN is false: only what is inside counts.
    if not 0.01 <= given <= LONGEST_HOURS:
        raise typer.BadParameter(f"must be a number from 0.01 to {LONGEST_HOURS:g}")
    return given


def token(
    role: Annotated[
        list[Role], typer.Option(help="What the person may be; give it more than once for more.")
    ],
    name: Annotated[
        str,
        typer.Option(
            callback=_name,
            help="The person's subject; events name the person by a pseudonym of it.",
        ),
    ],
    hours: Annotated[
        float,
        typer.Option(callback=_hours, help=f"How long it holds, at most {LONGEST_HOURS:g}."),
    ] = 12.0,
    data: DataFolder = state.DEFAULT_DATA,
) -> None:
    """Print a token of the local stack: curl -H "Authorization: Bearer $(ledger token --role legal
    --name maria)" …"""
    with or_say_why():
        say(issue(Keys.of(data), name, role, timedelta(hours=hours)))
