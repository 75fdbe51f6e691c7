"""Signed tokens of the local stack, as an identity provider would issue them."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from deploy.local.errors import StackError
from deploy.local.folder import hint
from deploy.local.keys import JWT_AUDIENCE, JWT_ISSUER, Keys, public_jwk
from shared.contract.authority import Role
from shared.runtime.process import clock

HOLDS: Final = timedelta(hours=12)


def for_auditing(data: Path, name: str) -> str:
    """The token with which a command reads the services of a data folder, under this name. Raises
    StackError."""
    return issue(Keys.of(data), name, [Role.AUDITOR])


def issue(keys: Keys, name: str, roles: list[Role], holds: timedelta = HOLDS) -> str:
    """A JWT (EdDSA) signed with the token key of a data folder. Raises StackError where there is
    none."""
    import jwt

    now = clock.now()
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
            f"no keys in {keys.folder}; start a stack there first: "
            f"{hint('ledger up --detach', keys.folder.parent)}"
        ) from None
    except PermissionError:
        raise StackError(
            f"{keys.token_key} cannot be read; use the account that ran ledger up"
        ) from None
    return jwt.encode(
        claims, key, algorithm="EdDSA", headers={"kid": public_jwk(keys.token_key)["kid"]}
    )
