"""Who is calling, and what each route asks of a caller. Denied is what nobody has allowed.

Tokens are JWTs, signed with EdDSA, RS256 or ES256 by a key of the configured key set, for our audience, by our issuer, not expired.
"""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import jwt
from fastapi import Depends, Request, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.contract.decision import Actor
from shared.contract.vocabulary import Role
from shared.runtime.answers import Forbidden, Unauthenticated

ALGORITHMS: Final = ("EdDSA", "RS256", "ES256")
REFRESH_EVERY: Final = 10.0
"""Seconds: an unknown key id makes the key set be read again, at most this often."""
MAX_SUBJECT: Final = 200

STAFF: Final = (Role.RESPONDER, Role.LEAD, Role.LEGAL, Role.COMMUNICATIONS, Role.IT)
READERS: Final = (*STAFF, Role.REVIEWER, Role.AUDITOR)

_bearer = HTTPBearer(
    auto_error=False, bearerFormat="JWT", description="`ledger token --role …` makes one for the local stack."
)


@dataclass(slots=True)
class Authenticator:
    """Checks tokens against a key set in a file or behind an https URL."""

    jwks: str
    issuer: str
    audience: str
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _read_at: float = -REFRESH_EVERY
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def actor(self, token: str) -> Actor:
        """Raises Unauthenticated, saying what is wrong with the token and never what is in it."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid", "")))
            claims = jwt.decode(
                token,
                key,
                algorithms=[name for name in ALGORITHMS if name == header.get("alg")],
                audience=self.audience,
                issuer=self.issuer,
                leeway=5,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("the token has expired; get a new one") from error
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated(f"the token does not count: {type(error).__name__}") from error
        return _actor(claims)

    async def _key(self, kid: str) -> jwt.PyJWK:
        if kid not in self._keys:
            async with self._reading:
                if kid not in self._keys and time.monotonic() - self._read_at >= REFRESH_EVERY:
                    self._keys = {
                        key.key_id: key for key in jwt.PyJWKSet.from_json(await self._read()).keys if key.key_id
                    }
                    self._read_at = time.monotonic()
        if kid not in self._keys:
            raise Unauthenticated("the token is signed with a key that is not known here")
        return self._keys[kid]

    async def _read(self) -> str:
        if not self.jwks.startswith("https://"):
            return await asyncio.to_thread(Path(self.jwks).read_text, encoding="utf-8")
        async with httpx.AsyncClient(timeout=5, follow_redirects=False) as client:
            answer = await client.get(self.jwks)
            answer.raise_for_status()
            return answer.text


def _actor(claims: dict[str, Any]) -> Actor:
    subject, roles = claims["sub"], claims.get("roles", [])
    if not isinstance(subject, str) or not 1 <= len(subject) <= MAX_SUBJECT or not subject.isprintable():
        raise Unauthenticated(f"the token's subject must be 1 to {MAX_SUBJECT} printable characters")
    if subject.startswith("service:"):
        raise Unauthenticated("subjects that begin with service: are the services' own")
    known = {role.value for role in Role}
    named = roles if isinstance(roles, list) else []
    return Actor(subject, frozenset(Role(name) for name in named if isinstance(name, str) and name in known))


@dataclass(frozen=True, slots=True)
class Allow:
    """The dependency of a route that only these roles may call; none named: any authenticated caller."""

    roles: frozenset[Role]

    async def __call__(
        self, request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> Actor:
        if credentials is None:
            raise Unauthenticated("send a token: Authorization: Bearer …")
        authenticator: Authenticator = request.app.state.authenticator
        actor = await authenticator.actor(credentials.credentials)
        if self.roles and not actor.has(*self.roles):
            raise Forbidden(tuple(sorted(self.roles)))
        request.state.actor = actor
        return actor


async def _public() -> None:
    """Marks a route that anybody may call."""


def allow(*roles: Role) -> Any:
    """For `dependencies=[…]` of a route: these roles may call it."""
    return Depends(Allow(frozenset(roles)))


def allow_any() -> Any:
    """For `dependencies=[…]` of a route: every authenticated caller may call it."""
    return Depends(Allow(frozenset()))


def public() -> Any:
    """For `dependencies=[…]` of a route: anybody may call it, without a token."""
    return Depends(_public)


def allowed_roles(route: APIRoute) -> frozenset[Role] | None:
    """Which roles may call the route; None when anybody may. Raises ValueError when the route says nothing."""
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Allow):
            return dependency.call.roles or frozenset(Role)
        if dependency.call is _public:
            return None
    raise ValueError(f"{route.path} says neither allow(…) nor public(): nobody has decided who may call it")
