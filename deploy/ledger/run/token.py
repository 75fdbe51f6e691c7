"""`ledger token`: a signed token for the local stack, so that one can call its services as
somebody."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from deploy.ledger.run.stack import DataFolder, or_say_why
from deploy.local import state
from deploy.local.errors import StackError
from deploy.local.keys import JWT_AUDIENCE, JWT_ISSUER, Keys, public_jwk
from shared.contract.authority import Role
from shared.runtime.process import clock


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


def issue(keys: Keys, name: str, roles: list[Role], holds: timedelta = timedelta(hours=12)) -> str:
    """A JWT (EdDSA) signed with the token key of a data folder. Raises StackError where there is
    none."""
    import jwt

    now = datetime.now(UTC)
    claims = {
        "iss": JWT_ISSUER,
        "aud": JWT_AUDIENCE,
        "sub": name,
        "roles": [role.value for role in roles],
        "iat": now,
        "exp": now + holds,
        "jti": str(clock.new_id()),
    }
    try:
        key = keys.token_key.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StackError(
            f"no keys in {keys.folder}; start a stack there first: ledger up --detach --data {keys.folder.parent}"
        ) from None
    except PermissionError:
        raise StackError(
            f"{keys.token_key} cannot be read; use the account that ran ledger up"
        ) from None
    return jwt.encode(
        claims, key, algorithm="EdDSA", headers={"kid": public_jwk(keys.token_key)["kid"]}
    )
