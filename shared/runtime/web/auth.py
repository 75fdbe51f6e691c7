"""Who is calling, and what each route asks of a caller. Denied is what nobody has allowed.

Tokens are JWTs, signed with EdDSA, RS256 or ES256 by a key of the configured key set, for our
audience, by our issuer, not expired."""

import asyncio
import hashlib
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import jwt
import structlog
from fastapi import Depends, FastAPI, Request, Security
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.contract.authority import Role, who_may
from shared.contract.decision import Actor
from shared.contract.pseudonym import is_pseudonym
from shared.runtime.process import clock
from shared.runtime.process.logging import said
from shared.runtime.running import Running
from shared.runtime.say.conflicts import Forbidden, Unauthenticated
from shared.runtime.say.people import People, Person
from shared.runtime.web.persons import subjects
from shared.runtime.web.spans import duration

ALGORITHMS: Final = ("EdDSA", "RS256", "ES256")
REFRESH_EVERY: Final = 10.0
"""Seconds: an unknown key id makes the key set be read again, at most this often."""
KEPT_FOR: Final = 300.0
"""Seconds after which the key set is read again in any case, so that a key that was taken out stops
to count."""
OUTLIVES: Final = 900.0
"""Seconds that keys count after the key set was last read: from then on nobody knows whether they
were taken out."""
READ_WITHIN: Final = 5.0
LIFETIME: Final = 24 * 3600
"""Seconds that a token may hold, where nothing else is set."""
LEEWAY: Final = 5
"""Seconds that clocks may differ."""
REMEMBERED: Final = 4096
"""Tokens, by digest, that need not be checked again: to check a signature takes longer than all
else that a request needs."""

READERS: Final = who_may("read_incident")

_bearer = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    description="`ledger token --role …` makes one for the local stack.",
)

log = structlog.get_logger(__name__)


class KeysAway(OSError):
    """The key set cannot be read: nobody can be told from anybody. Passes by itself, as an absent
    database does."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """A token whose signature and claims were found good: it holds until it expires or its key is
    read again."""

    actor: Actor
    person: Person
    kid: str
    key: jwt.PyJWK
    until: int
    """Seconds since 1970."""


@dataclass(slots=True)
class Authenticator:
    """Checks tokens against a key set in a file or behind an https URL."""

    jwks: str
    issuer: str
    audience: str
    people: People
    lifetime: int = LIFETIME
    """Seconds that a token may hold, from `iat`, or from now where it has none."""
    ca_file: Path | None = None
    """Whom to trust with the key set's address, where that is not everybody's authorities."""
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _read_at: float = -REFRESH_EVERY
    _known_at: float = 0.0
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _away: bool = False
    _checked: OrderedDict[bytes, "_Checked"] = field(default_factory=OrderedDict)

    async def caller(self, token: str) -> tuple[Actor, Person]:
        """Who acts, by pseudonym, and the person behind it, for the directory. Raises
        Unauthenticated, saying what is wrong with the token and never what is in it; KeysAway."""
        digest = hashlib.sha256(token.encode()).digest()
        checked = self._checked.get(digest)
        if checked is None or not await self._holds(checked):
            checked = await self._check(token)
            self._checked[digest] = checked
            if len(self._checked) > REMEMBERED:
                self._checked.popitem(last=False)
        return checked.actor, checked.person

    async def _holds(self, checked: "_Checked") -> bool:
        return (
            await self._key(checked.kid) is checked.key and clock.now().timestamp() < checked.until
        )

    async def _check(self, token: str) -> "_Checked":
        try:
            kid = str(jwt.get_unverified_header(token).get("kid", ""))
            key = await self._key(kid)
            claims = jwt.decode(
                token,
                key,
                # Of the key, never of the token: who signs does not choose how it is checked.
                algorithms=[key.algorithm_name],
                audience=self.audience,
                issuer=self.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("the token has expired; get a new one") from error
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated(f"the token does not count: {type(error).__name__}") from error
        self._check_lifetime(claims)
        person = _person(claims, self.people)
        actor = Actor(person.pseudonym, _roles(claims.get("roles", [])))
        return _Checked(actor, person, kid, key, int(claims["exp"]) + LEEWAY)

    def _check_lifetime(self, claims: Mapping[str, Any]) -> None:
        """A token that holds for years cannot be taken back, so it does not count at all."""
        begins = claims.get("iat", clock.now().timestamp())
        if int(claims["exp"]) - begins > self.lifetime + LEEWAY:
            raise Unauthenticated(
                f"the token holds for too long; at most {duration(self.lifetime)} count here"
            )

    async def _key(self, kid: str) -> jwt.PyJWK:
        if self._wanted(kid) and not (kid in self._keys and self._reading.locked()):
            async with self._reading:
                if self._wanted(kid):
                    await self._refresh()
        if self._away and time.monotonic() - self._known_at > OUTLIVES:
            self._keys = {}
        if kid in self._keys:
            return self._keys[kid]
        if self._away:
            raise KeysAway("the key set that tokens are signed with cannot be read")
        raise Unauthenticated("the token is signed with a key that is not known here")

    def _wanted(self, kid: str) -> bool:
        age = time.monotonic() - self._read_at
        return age >= KEPT_FOR or (kid not in self._keys and age >= REFRESH_EVERY)

    async def _refresh(self) -> None:
        """Reads the key set; while it cannot be read, the keys known so far count until
        OUTLIVES."""
        try:
            async with asyncio.timeout(READ_WITHIN):
                found = jwt.PyJWKSet.from_json(await self._read()).keys
        except (OSError, ValueError, AttributeError, httpx.HTTPError, jwt.PyJWTError) as error:
            self._away = True
            log.warning("the key set cannot be read", jwks=self.jwks, error=said(error))
        else:
            self._away, self._known_at = False, time.monotonic()
            self._keys = {
                key.key_id: key for key in found if key.key_id and key.algorithm_name in ALGORITHMS
            }
        self._read_at = time.monotonic()  # now, not before: who comes while it is read waits for it

    async def _read(self) -> str:
        if not self.jwks.startswith("https://"):
            return await asyncio.to_thread(Path(self.jwks).read_text, encoding="utf-8")
        trusted = ssl.create_default_context(cafile=self.ca_file)
        async with httpx.AsyncClient(
            follow_redirects=False, trust_env=False, verify=trusted
        ) as client:
            answer = await client.get(self.jwks)
            answer.raise_for_status()
            return answer.text


def _person(claims: Mapping[str, Any], people: People) -> Person:
    subject, name = claims["sub"], claims.get("name")
    flaw = subjects.flaw(subject)
    if flaw is None and is_pseudonym(subject):
        flaw = "must not be spelt as a pseudonym, which stands for another subject"
    if flaw is not None:
        raise Unauthenticated(f"the token's subject {flaw}")
    # A name only decorates: one that nobody could read is left out.
    return people.person(subject, name if subjects.is_name(name) else None)


def _roles(claimed: object) -> frozenset[Role]:
    known = {role.value for role in Role}
    named = claimed if isinstance(claimed, list) else []
    return frozenset(Role(name) for name in named if isinstance(name, str) and name in known)


@dataclass(frozen=True, slots=True)
class Allow:
    """The dependency of a route that only these roles may call; none named: any authenticated
    caller."""

    roles: frozenset[Role]

    async def check(self, request: Request) -> Actor:
        """For a route that does without FastAPI's dependencies."""
        return await self(request, await _bearer(request))

    async def __call__(
        self,
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    ) -> Actor:
        actor: Actor | None = getattr(request.state, "actor", None)
        if actor is None:
            if credentials is None:
                raise Unauthenticated("send a token: Authorization: Bearer …")
            authenticator: Authenticator = request.app.state.authenticator
            actor, request.state.person = await authenticator.caller(credentials.credentials)
        if self.roles and not actor.has(*self.roles):
            raise Forbidden(tuple(sorted(self.roles)))
        request.state.actor = actor
        return actor


IsOpen = Callable[[Running[Any, Any, Any]], bool]


@dataclass(frozen=True, slots=True)
class AllowOrOpen(Allow):
    """The same, where the service does not open the route to anybody."""

    is_open: IsOpen = lambda _: False

    async def __call__(
        self,
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    ) -> Actor:
        if self.is_open(request.app.state.running):
            return Actor("anybody")
        return await Allow.__call__(self, request, credentials)


async def _public() -> None:
    """Marks a route that anybody may call."""


def allow(*roles: Role) -> Any:
    """For `dependencies=[…]` of a route: these roles may call it."""
    if not roles:
        raise ValueError("name the roles; allow_any() is for every authenticated caller")
    return Depends(Allow(frozenset(roles)))


def allow_or_open(is_open: IsOpen, *roles: Role) -> Any:
    """For `dependencies=[…]` of a route: these roles may call it; anybody may where the running
    service opens it."""
    return Depends(AllowOrOpen(frozenset(roles), is_open))


def allow_any() -> Any:
    """For `dependencies=[…]` of a route: every authenticated caller may call it."""
    return Depends(Allow(frozenset()))


def public() -> Any:
    """For `dependencies=[…]` of a route: anybody may call it, without a token."""
    return Depends(_public)


def allowed_roles(route: RouteContext) -> frozenset[Role] | None:
    """Which roles may call the route; None when anybody may. Raises ValueError when it does not say
    so exactly once."""
    dependant = getattr(route, "dependant", None)
    calls = (
        [dependency.call for dependency in dependant.dependencies] if dependant is not None else []
    )
    said = [call for call in calls if isinstance(call, Allow) or call is _public]
    if len(said) != 1:
        raise ValueError(
            f"{route.path or route.route!r} must say once who may call it: "
            "dependencies=[allow(Role…)], [allow_any()] or [public()] of an API route"
        )
    return (said[0].roles or frozenset(Role)) if isinstance(said[0], Allow) else None


def permissions(app: FastAPI) -> Iterator[tuple[RouteContext, frozenset[Role] | None]]:
    """Every route of an application, those of included routers too, with who may call it. Raises
    ValueError as above."""
    for route in iter_route_contexts(app.routes):
        if route.path != app.openapi_url:
            yield route, allowed_roles(route)
