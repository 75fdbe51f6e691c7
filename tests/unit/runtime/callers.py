"""People who call, with real tokens: an Ed25519 key, its key set in a file, and what an issuer
would sign."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from shared.contract.authority import Role
from shared.runtime.process import clock
from shared.runtime.say.people import People

ISSUER = "https://issuer.test"
AUDIENCE = "incident-ledger"
SECRET = b"0123456789abcdef" * 4
PEOPLE = People(SECRET)
"""Of the deployment of every test without one."""

PrivateKey = Ed25519PrivateKey | RSAPrivateKey | EllipticCurvePrivateKey


def ed25519() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def rsa() -> RSAPrivateKey:
    return generate_rsa(public_exponent=65537, key_size=2048)


def p256() -> EllipticCurvePrivateKey:
    return generate_ec(SECP256R1())


@dataclass(slots=True)
class Issuer:
    """Signs tokens, and publishes its keys in a file."""

    file: Path
    key: PrivateKey = field(default_factory=ed25519)
    kid: str = "first"

    def __post_init__(self) -> None:
        self.publish()

    def publish(self, *more: dict[str, Any]) -> None:
        self.file.write_text(
            json.dumps({"keys": [jwk(self.key, self.kid), *more]}), encoding="utf-8"
        )

    def token(
        self, *roles: Role | str, subject: str | None = "u-1", alg: str | None = None, **claims: Any
    ) -> str:
        """Claims that are None are left out."""
        now = clock.now()
        said = {
            "sub": subject,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + timedelta(minutes=5),
            "roles": [str(role) for role in roles],
        } | claims
        payload = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(payload, self.key, alg or algorithm(self.key), headers={"kid": self.kid})

    def headers(self, *roles: Role | str, **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(*roles, **claims)}"}


def algorithm(key: PrivateKey) -> str:
    match key:
        case Ed25519PrivateKey():
            return "EdDSA"
        case RSAPrivateKey():
            return "RS256"
        case _:
            return "ES256"


def jwk(key: PrivateKey, kid: str) -> dict[str, Any]:
    match key:
        case Ed25519PrivateKey():
            public = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case RSAPrivateKey():
            public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case _:
            public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": kid}
