"""Who is calling, and what each route asks of a caller."""

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import APIRouter, FastAPI, Response

from shared.contract.authority import Role
from shared.contract.decision import Actor
from shared.runtime.process import clock
from shared.runtime.say.conflicts import Unauthenticated
from shared.runtime.say.people import Person
from shared.runtime.web import auth
from shared.runtime.web.auth import Authenticator, KeysAway, allow, allow_any, permissions, public
from tests.unit.runtime.callers import (
    AUDIENCE,
    ISSUER,
    PEOPLE,
    Issuer,
    PrivateKey,
    ed25519,
    jwk,
    p256,
    rsa,
)


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path / "jwks.json")


def authenticator(issuer: Issuer) -> Authenticator:
    return Authenticator(str(issuer.file), ISSUER, AUDIENCE, PEOPLE)


async def refused(issuer: Issuer, token: str) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        await authenticator(issuer).caller(token)
    assert token not in str(refusal.value)
    return str(refusal.value)


async def test_a_token_says_who_calls_and_as_what(issuer: Issuer) -> None:
    token = issuer.token(Role.LEGAL, Role.LEAD, subject="u-4711")
    actor, person = await authenticator(issuer).caller(token)
    assert actor == Actor(PEOPLE.pseudonym_of("u-4711"), frozenset({Role.LEGAL, Role.LEAD}))
    assert person == Person(actor.subject, "u-4711")


@pytest.mark.parametrize("name", ["Ana Example", "Zoë", "李雷"])
async def test_a_token_may_name_the_person(issuer: Issuer, name: str) -> None:
    _, person = await authenticator(issuer).caller(issuer.token(name=name))
    assert person.name == name
    assert name not in repr(person)


@pytest.mark.parametrize(
    "name", [None, "", " ", 7, ["Ana"], "x" * 201, "Ana\n", "A\x00", "\u202eanA"]
)
async def test_a_name_that_cannot_be_shown_is_left_out(issuer: Issuer, name: Any) -> None:
    _, person = await authenticator(issuer).caller(issuer.token(name=name))
    assert person.name is None


async def test_a_subject_that_looks_like_a_pseudonym_is_nobody(issuer: Issuer) -> None:
    """Else whoever may choose a subject could be anybody who was shown."""
    await refused(issuer, issuer.token(Role.LEAD, subject=PEOPLE.pseudonym_of("ana@corp")))


@pytest.mark.parametrize("spelling", ["Ana@Corp", "ANA@CORP", "ａｎａ＠ｃｏｒｐ", "Ａna@corp"])
async def test_spellings_of_one_subject_are_one_person(issuer: Issuer, spelling: str) -> None:
    one, _ = await authenticator(issuer).caller(issuer.token(subject="ana@corp"))
    other, _ = await authenticator(issuer).caller(issuer.token(subject=spelling))
    assert one.subject == other.subject


async def test_roles_that_nobody_knows_are_ignored(issuer: Issuer) -> None:
    token = issuer.token(Role.IT, "emperor", roles=["it", "emperor", 7, None, ["legal"]])
    assert (await authenticator(issuer).caller(token))[0].roles == frozenset({Role.IT})


@pytest.mark.parametrize("roles", [None, "legal", {"legal": True}, 7])
async def test_roles_that_are_no_list_are_none(issuer: Issuer, roles: Any) -> None:
    actor, _ = await authenticator(issuer).caller(issuer.token(roles=roles))
    assert actor.roles == frozenset()


@pytest.mark.parametrize("make", [ed25519, rsa, p256])
async def test_the_key_decides_the_algorithm(tmp_path: Path, make: Any) -> None:
    issuer = Issuer(tmp_path / "jwks.json", make())
    actor, _ = await authenticator(issuer).caller(issuer.token(Role.LEAD))
    assert actor.has(Role.LEAD)


@pytest.mark.parametrize("claim", ["exp", "iss", "aud", "sub"])
async def test_a_claim_that_is_missing(issuer: Issuer, claim: str) -> None:
    await refused(issuer, issuer.token(Role.LEAD, **{claim: None}))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://somebody-else.test"},
        {"aud": "another-service"},
        {"exp": clock.now() - timedelta(minutes=1)},
        {"nbf": clock.now() + timedelta(days=1)},
        {"subject": ""},
        {"subject": "x" * 201},
        {"subject": "line\nbreak"},
        {"subject": "service:triage"},
        {"subject": "Service:triage"},
        {"subject": "service :triage"},
        {"subject": "ｓervice:triage"},
        {"subject": "service：triage"},
        {"subject": "anonymous"},
        {"subject": "ANONYMOUS"},
        {"subject": "anybody"},
        {"subject": "xavier "},
        {"subject": " xavier"},
        {"subject": "xa  vier"},
        {"subject": "xavier\u200b"},
        {"subject": "xavier\u3164"},
        {"subject": "xavier\u00a0"},
        {"subject": "xavie\u0301r"},
        {"subject": " "},
        {"subject": 7},
    ],
)
async def test_a_claim_that_is_wrong(issuer: Issuer, claims: dict[str, Any]) -> None:
    await refused(issuer, issuer.token(Role.LEAD, **claims))


async def test_an_expired_token_is_told_what_to_do(issuer: Issuer) -> None:
    token = issuer.token(Role.LEAD, exp=clock.now() - timedelta(minutes=1))
    assert await refused(issuer, token) == "the token has expired; get a new one"


@pytest.mark.parametrize(
    "subject", ["xavier", "Xavier X. O'Neill", "josé", "u-4711", "陳大文", "services"]
)
async def test_a_name_is_a_name(issuer: Issuer, subject: str) -> None:
    _, person = await authenticator(issuer).caller(issuer.token(subject=subject))
    assert person.subject == subject


@pytest.mark.parametrize(
    ("begun", "holds", "counts"),
    [
        (timedelta(), timedelta(hours=1), True),
        (timedelta(), timedelta(hours=1, minutes=1), False),
        (None, timedelta(minutes=59), True),
        (None, timedelta(hours=1, minutes=1), False),
        (timedelta(hours=5), timedelta(minutes=1), False),
        (timedelta(minutes=59), timedelta(minutes=1), True),
    ],
)
async def test_a_token_holds_for_so_long_at_most(
    issuer: Issuer, begun: timedelta | None, holds: timedelta, counts: bool
) -> None:
    """`begun`: how long ago it was issued, where it says so; `holds`: from now."""
    now = clock.now()
    begins = None if begun is None else now - begun
    strict = Authenticator(str(issuer.file), ISSUER, AUDIENCE, PEOPLE, lifetime=3600)
    token = issuer.token(iat=begins, exp=now + holds)
    if counts:
        assert await strict.caller(token)
    else:
        with pytest.raises(Unauthenticated, match="at most 1 hour"):
            await strict.caller(token)


async def test_a_token_for_ever_does_not_count(issuer: Issuer) -> None:
    assert "1 day" in await refused(issuer, issuer.token(exp=4_000_000_000))


async def test_keys_that_nobody_can_ask_for_stop_to_count_at_last(
    issuer: Issuer, auth_clock: "Clock"
) -> None:
    checks, known = authenticator(issuer), issuer.token()
    await checks.caller(known)
    issuer.file.unlink()
    auth_clock.seconds += auth.OUTLIVES - 1
    assert await checks.caller(known)
    auth_clock.seconds += 2
    with pytest.raises(KeysAway):
        await checks.caller(known)
    issuer.publish()
    auth_clock.seconds += auth.REFRESH_EVERY + 1
    assert await checks.caller(known)


async def test_no_signature_at_all(issuer: Issuer) -> None:
    claims = jwt.decode(issuer.token(Role.ADMIN), options={"verify_signature": False})
    await refused(issuer, jwt.encode(claims, "", "none", headers={"kid": issuer.kid}))


async def test_the_public_key_as_a_shared_secret(issuer: Issuer) -> None:
    """The classic confusion: an HMAC made with bytes that everybody can read. Written by hand,
    since PyJWT refuses to."""
    head = {"alg": "HS256", "typ": "JWT", "kid": issuer.kid}
    claims = jwt.decode(issuer.token(Role.ADMIN), options={"verify_signature": False})
    signing = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
    secret = issuer.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        signing.encode(), secret
    )
    await refused(issuer, f"{signing}.{_base64(signature)}")


async def test_a_shared_secret_in_the_key_set_does_not_count(issuer: Issuer) -> None:
    secret = b"a secret that was published by mistake"
    issuer.publish({"kty": "oct", "k": _base64(secret), "kid": "shared", "alg": "HS256"})
    claims = jwt.decode(issuer.token(Role.ADMIN), options={"verify_signature": False})
    await refused(issuer, jwt.encode(claims, secret, "HS256", headers={"kid": "shared"}))


async def test_another_key_of_the_same_name(issuer: Issuer, tmp_path: Path) -> None:
    forger = Issuer(tmp_path / "forged.json", kid=issuer.kid)
    await refused(issuer, forger.token(Role.ADMIN))


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "é.é.é", "." * 10, "eyJhbGciOiJFZERTQSJ9..", "a" * 5000]
)
async def test_what_is_no_token(issuer: Issuer, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await authenticator(issuer).caller(token)


class Clock:
    """Stands in for time.monotonic: minutes pass without waiting."""

    def __init__(self) -> None:
        self.seconds = time.monotonic()

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def auth_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    auth_clock = Clock()
    monkeypatch.setattr(auth, "time", auth_clock)
    return auth_clock


def rotate(issuer: Issuer, kid: str) -> None:
    issuer.key, issuer.kid = ed25519(), kid
    issuer.publish()


async def test_a_new_key_is_found_though_not_asked_for_all_the_time(
    issuer: Issuer, auth_clock: Clock
) -> None:
    checks = authenticator(issuer)
    await checks.caller(issuer.token())
    rotate(issuer, "second")
    with pytest.raises(Unauthenticated):
        await checks.caller(issuer.token())
    auth_clock.seconds += auth.REFRESH_EVERY
    assert await checks.caller(issuer.token())


async def test_a_key_that_was_taken_out_stops_to_count(issuer: Issuer, auth_clock: Clock) -> None:
    checks, stolen = authenticator(issuer), issuer.token()
    await checks.caller(stolen)
    rotate(issuer, "second")
    auth_clock.seconds += auth.KEPT_FOR + 1
    with pytest.raises(Unauthenticated):
        await checks.caller(stolen)


async def test_while_the_key_set_is_away_known_keys_count_and_others_are_nobodys_fault(
    issuer: Issuer, auth_clock: Clock
) -> None:
    checks, known = authenticator(issuer), issuer.token()
    await checks.caller(known)
    issuer.file.unlink()
    auth_clock.seconds += auth.KEPT_FOR + 1
    assert await checks.caller(known)
    issuer.kid = "second"
    with pytest.raises(KeysAway):
        await checks.caller(issuer.token())
    issuer.publish()
    auth_clock.seconds += auth.REFRESH_EVERY + 1
    assert await checks.caller(issuer.token())


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"keys": 7}', '{"keys": []}', "\x00", '{"keys": [{"kty": "?"}]}']
)
async def test_a_key_set_that_is_none_is_away(tmp_path: Path, content: str) -> None:
    issuer = Issuer(tmp_path / "jwks.json")
    issuer.file.write_text(content)
    with pytest.raises(KeysAway):
        await authenticator(issuer).caller(issuer.token())


async def test_a_key_set_behind_https(issuer: Issuer, tmp_path: Path, auth_clock: Clock) -> None:
    certificate = _certificate(tmp_path)
    async with serving(issuer, certificate) as (url, asked):
        checks = Authenticator(url, ISSUER, AUDIENCE, PEOPLE, ca_file=certificate)
        assert all(
            await asyncio.gather(
                *(checks.caller(issuer.token(subject=f"u-{number}")) for number in range(20))
            )
        )
        assert asked == ["GET /jwks.json HTTP/1.1"]


async def test_a_key_set_whose_server_never_ends_is_away(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path)
    monkeypatch.setattr(auth, "READ_WITHIN", 0.2)
    async with serving(issuer, certificate, ends=False) as (url, asked):
        with pytest.raises(KeysAway):
            await Authenticator(url, ISSUER, AUDIENCE, PEOPLE, ca_file=certificate).caller(
                issuer.token()
            )
        assert asked


@asynccontextmanager
async def serving(
    issuer: Issuer, certificate: Path, *, ends: bool = True
) -> AsyncIterator[tuple[str, list[str]]]:
    """The issuer's web server; yields the key set's address and the requests that came."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n")[0].decode())
        body = issuer.file.read_bytes()
        promised = len(body) + (0 if ends else 1)
        writer.write(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % promised + body
        )
        if ends:
            writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json", asked
        server.close()


def _certificate(folder: Path) -> Path:
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    key, now = p256(), clock.now()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
    )
    signed = built.add_extension(address, critical=False).sign(key, SHA256())
    file = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return file


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def application(*routers: APIRouter) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None)
    for router in routers:
        app.include_router(router)
    return app


async def nothing() -> None:
    """A route."""


def test_every_route_says_who_may_call_it() -> None:
    outer, inner = APIRouter(), APIRouter(prefix="/inner")
    outer.get("/open", dependencies=[public()])(nothing)
    outer.get("/any", dependencies=[allow_any()])(nothing)
    inner.post("/some", dependencies=[allow(Role.LEGAL, Role.IT)])(nothing)
    outer.include_router(inner)
    assert {route.path: roles for route, roles in permissions(application(outer))} == {
        "/open": None,
        "/any": frozenset(Role),
        "/inner/some": frozenset({Role.LEGAL, Role.IT}),
    }


def test_a_router_may_say_it_for_its_routes() -> None:
    router = APIRouter(dependencies=[allow(Role.AUDITOR)])
    router.get("/log")(nothing)
    assert [roles for _, roles in permissions(application(router))] == [frozenset({Role.AUDITOR})]


@pytest.mark.parametrize(
    "markers", [(), (public(), allow(Role.LEGAL)), (allow(Role.IT), allow(Role.LEGAL))]
)
def test_a_route_that_says_nothing_or_two_things(markers: tuple[Any, ...]) -> None:
    router = APIRouter()
    router.get("/thing", dependencies=list(markers))(nothing)
    outer = APIRouter()
    outer.include_router(router)
    with pytest.raises(ValueError, match=r"/thing.* must say once who may call it"):
        list(permissions(application(outer)))


def test_a_route_that_cannot_say_it() -> None:
    router = APIRouter()
    router.add_route("/plain", lambda _: Response(), methods=["POST"])
    with pytest.raises(ValueError, match="/plain"):
        list(permissions(application(router)))


def test_allowing_nobody_is_not_allowing_everybody() -> None:
    with pytest.raises(ValueError, match="name the roles"):
        allow()


def test_admin_commands_nothing_by_being_admin() -> None:
    assert Role.ADMIN not in auth.READERS


def test_keys_are_written_as_an_issuer_writes_them() -> None:
    key: PrivateKey = ed25519()
    assert jwk(key, "a")["kty"] == "OKP"
