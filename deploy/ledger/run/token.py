"""`ledger token`: a signed token for the local stack, so that one can call its services as
somebody."""

from datetime import timedelta
from typing import Annotated

import typer

from deploy.ledger.run.options import DataFolder, or_say_why
from deploy.local import state
from deploy.local.keys import Keys
from deploy.local.tokens import issue
from shared.contract.authority import Role


def token(
    role: Annotated[
        list[Role], typer.Option(help="What the person may be; give it more than once for more.")
    ],
    name: Annotated[
        str, typer.Option(help="Who it is; stands in every event that this person causes.")
    ],
    hours: Annotated[float, typer.Option(min=0.01, help="How long it holds.")] = 12.0,
    data: DataFolder = state.DEFAULT_DATA,
) -> None:
    """Print a token of the local stack: curl -H "Authorization: Bearer $(ledger token --role legal
    --name maria)" …"""
    with or_say_why():
        typer.echo(issue(Keys.of(data), name, role, timedelta(hours=hours)))
