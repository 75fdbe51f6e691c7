"""Every kind of channel, every kind of outcome, on real servers: `Delivered` only where a server
said so, `NotDelivered` only where it certainly did not take the message, and never twice."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from standardwebhooks import Webhook

from services.notify.channels import apprise_process
from services.notify.channels.file import channel_of
from services.notify.channels.results import Delivered, NobodyKnows, NotDelivered, Payload, Result
from tests.integration.notify import hostile
from tests.integration.notify.hostile import Certificates, Mail, Seen, Serve, http_status, listening

MESSAGE = Payload(UUID(int=7), "A roadmap", "It stands in a public post.")
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
PATIENCE = 1.0
PROGRAM = apprise_process.__name__

Entry = dict[str, Any]
Sent, Not, Unknown = Delivered, NotDelivered, NobodyKnows


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return hostile.certificates(tmp_path_factory.mktemp("tls"))


@dataclass(frozen=True, slots=True)
class Kind:
    """How an entry of the channels file leads to a server of the test, in clear and by TLS."""

    plain: Callable[[int], str]
    tls: Callable[[int], str]
    extra: Entry

    def entry(self, port: int, *, tls: bool = False, **more: object) -> Entry:
        url = (self.tls if tls else self.plain)(port)
        return {"url": url, "allow_private": True, "timeout": PATIENCE} | self.extra | more


TO = "from=ledger@example.org&to=lead@example.org"
KINDS = {
    "webhook": Kind(
        lambda port: f"http://localhost:{port}/hook",
        lambda port: f"https://localhost:{port}/hook",
        {"secret": SECRET},
    ),
    "mail": Kind(
        lambda port: f"smtp://localhost:{port}?{TO}&tls=none",
        lambda port: f"smtps://localhost:{port}?{TO}",
        {},
    ),
    "apprise": Kind(
        lambda port: f"json://localhost:{port}/hook",
        lambda port: f"jsons://localhost:{port}/hook",
        {},
    ),
}


async def send(entry: Entry) -> Result:
    return await channel_of(entry).send(MESSAGE)


def to(status: int) -> Serve:
    return http_status(status, "Location: http://localhost:{port}/glad")


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    kind: str
    serve: Serve
    outcome: type[Result]
    error: str = ""
    """Part of what is recorded."""


ANSWERS = [
    # Accepted.
    *(Case(f"{status}", "webhook", http_status(status), Sent) for status in (200, 201, 202, 204)),
    Case(
        "100 first",
        "webhook",
        hostile.http("HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
        Sent,
    ),
    Case("endless body", "webhook", hostile.http_endless_body, Sent),
    Case("accepted", "mail", Mail(), Sent),
    Case("forwarded", "mail", Mail(recipients={"lead@example.org": "251 will forward"}), Sent),
    Case("accepted", "apprise", http_status(200), Sent),
    # Refused, for good or for now.
    *(Case(f"{s}", "webhook", http_status(s), Not, f"HTTP {s}") for s in (400, 404, 410, 500)),
    *(Case(f"{s}", "webhook", http_status(s), Not, f"HTTP {s}") for s in (429, 503)),
    *(Case(f"{s}", "webhook", http_status(s), Unknown, f"HTTP {s}") for s in (408, 502, 504, 524)),
    Case("bad greeting", "mail", Mail(greeting="554 not you"), Not, "554"),
    Case("bad sender", "mail", Mail(sender="553 no"), Not, "553"),
    Case("nobody", "mail", Mail(recipients={"lead@example.org": "550 no"}), Not, "550 to 1 of 1"),
    Case("greylisted", "mail", Mail(recipients={"lead@example.org": "450 wait"}), Not, "450 to 1"),
    Case("data refused", "mail", Mail(data="503 no"), Not, "503"),
    Case("spam", "mail", Mail(end="554 spam"), Not, "554"),
    Case("full", "mail", Mail(end="452 full"), Not, "452"),
    *(Case(f"{s}", "apprise", http_status(s), Unknown) for s in (410, 503)),
    # Redirected.
    *(
        Case(f"{status}", kind, to(status), outcome)
        for kind, outcome in (("webhook", Not), ("apprise", Unknown))
        for status in ((300, 301, 302, 303, 307, 308) if kind == "webhook" else (302, 307))
    ),
    Case(
        "moved",
        "mail",
        Mail(recipients={"lead@example.org": "551 try <x@example.org>"}),
        Not,
        "551",
    ),
    # Garbage.
    *(
        Case(name, kind, hostile.http(answer), Unknown)
        for kind in ("webhook", "apprise")
        for name, answer in (
            ("not HTTP", "\x00\xff 200 OK\r\n\r\n"),
            ("no status", "HTTP/1.1 yes OK\r\n\r\n"),
            ("half a line", "HTTP/1.1 20"),
            ("switching", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
        )
    ),
    Case("endless head", "webhook", hostile.http_endless_head, Unknown),
    Case("garbage greeting", "mail", Mail(greeting="\x00\xff"), Not),
    Case("garbage at the end", "mail", Mail(end="\x00\xff"), Unknown),
    Case("another code at the end", "mail", Mail(end="354 go on"), Unknown),
    # Slow.
    Case("drip", "webhook", hostile.http_drip, Unknown),
    Case("drip", "apprise", hostile.http_drip, Unknown),
    Case("drip at the greeting", "mail", Mail(greeting="drip"), Not),
    Case("drip at the recipient", "mail", Mail(recipients={"lead@example.org": "drip"}), Not),
    Case("drip at the end", "mail", Mail(end="drip"), Unknown),
    # Closed.
    Case("closed at once", "webhook", hostile.closed_at_once, Unknown),
    Case("closed at once", "apprise", hostile.closed_at_once, Unknown),
    Case("closed at once", "mail", hostile.closed_at_once, Not),
    Case("closed before the body", "mail", Mail(recipients={"lead@example.org": None}), Not),
    Case("closed after the body", "webhook", hostile.http_closed_after, Unknown),
    Case("closed after the body", "apprise", hostile.http_closed_after, Unknown),
    Case("closed after the body", "mail", Mail(end=None), Unknown),
]


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: f"{case.kind}: {case.name}")
async def test_what_a_server_does_is_recorded_as_it_is(case: Case) -> None:
    async with listening(case.serve) as seen:
        result = await send(KINDS[case.kind].entry(seen.port))
    assert isinstance(result, case.outcome), result
    assert case.error in str(result)
    assert len(seen.messages) <= 1, "sent once, and followed nowhere"
    if isinstance(result, Delivered):
        assert b"A roadmap" in seen.messages[0]


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def uncertain(self, kind: str) -> type[Result]:
        """What it says where nothing was sent: of apprise only its yes counts."""
        return NobodyKnows if kind == "apprise" else NotDelivered

    def accepting(self, kind: str) -> Serve:
        return Mail() if kind == "mail" else http_status(200)

    async def test_keeps_to_a_certificate_that_it_trusts(
        self, kind: str, certificates: Certificates
    ) -> None:
        async with listening(self.accepting(kind), certificates.server) as seen:
            trusting = KINDS[kind].entry(
                seen.port, tls=True, ca_file=str(certificates.authority), timeout=5
            )
            refused = await send(KINDS[kind].entry(seen.port, tls=True))
            assert isinstance(refused, self.uncertain(kind))
            assert seen.messages == []
            assert await send(trusting) == Delivered()
            assert len(seen.messages) == 1

    async def test_keeps_to_the_name_in_the_certificate(self, kind: str, tmp_path: Path) -> None:
        other = hostile.certificates(tmp_path, "elsewhere.example")
        async with listening(self.accepting(kind), other.server) as seen:
            entry = KINDS[kind].entry(seen.port, tls=True, ca_file=str(other.authority))
            assert isinstance(await send(entry), self.uncertain(kind))
        assert seen.messages == []

    async def test_says_nothing_in_clear_to_a_server_without_tls(self, kind: str) -> None:
        async with listening(self.accepting(kind)) as seen:
            result = await send(KINDS[kind].entry(seen.port, tls=True))
        assert isinstance(result, self.uncertain(kind))
        assert seen.messages == []

    async def test_goes_to_no_private_address_that_is_not_allowed(self, kind: str) -> None:
        async with listening(self.accepting(kind)) as seen:
            mapped = [] if kind == "apprise" else ["[::ffff:127.0.0.1]"]  # it cannot read that
            for host in ("localhost", "127.0.0.1", "2130706433", *mapped):
                entry = KINDS[kind].entry(seen.port, tls=True, allow_private=False)
                entry["url"] = entry["url"].replace("localhost", host)
                assert isinstance(await send(entry), self.uncertain(kind)), host
        assert seen.connections == 0

    async def test_knows_that_a_name_without_an_address_took_nothing(self, kind: str) -> None:
        entry = KINDS[kind].entry(443, tls=True)
        entry["url"] = entry["url"].replace("localhost", "nowhere.invalid")
        assert isinstance(await send(entry), self.uncertain(kind))

    async def test_knows_that_nobody_listened(self, kind: str) -> None:
        async with listening(hostile.closed_at_once) as seen:
            pass
        assert isinstance(await send(KINDS[kind].entry(seen.port)), self.uncertain(kind))

    async def test_takes_nothing_from_the_environment(
        self,
        kind: str,
        certificates: Certificates,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("default login eve password hunter2\n", encoding="ascii")
        netrc.chmod(0o600)
        (tmp_path / ".netrc").write_bytes(netrc.read_bytes())
        keys = tmp_path / "keys.log"
        async with listening(http_status(200)) as trap:
            trapped = f"http://127.0.0.1:{trap.port}"
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, trapped)
                monkeypatch.setenv(name.lower(), trapped)
            monkeypatch.setenv("NO_PROXY", "[")
            monkeypatch.setenv("NETRC", str(netrc))
            monkeypatch.setenv("HOME", str(tmp_path))
            monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
            monkeypatch.setenv("PYTHONPATH", str(tmp_path))
            # An authority of the environment's is not trusted, nor missed.
            for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
                monkeypatch.setenv(name, str(certificates.authority))
            async with listening(self.accepting(kind), certificates.server) as seen:
                entry = KINDS[kind].entry(seen.port, tls=True, timeout=5)
                assert isinstance(await send(entry), self.uncertain(kind))
                for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
                    monkeypatch.setenv(name, str(netrc))
                monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
                entry["ca_file"] = str(certificates.authority)
                assert await send(entry) == Delivered()
        assert trap.connections == 0
        assert not keys.exists()
        assert len(seen.messages) == 1
        assert "authorization" not in "".join(seen.heads).lower()
        assert "AUTH" not in "".join(seen.heads)


@pytest.mark.parametrize("kind", ["webhook", "apprise"])
async def test_a_proxy_is_used_where_the_channels_file_names_one(kind: str) -> None:
    async with listening(http_status(200)) as proxy:
        entry = KINDS[kind].entry(80, timeout=5, proxy=f"http://127.0.0.1:{proxy.port}")
        entry["url"] = entry["url"].replace("localhost:80", "chat.example")
        assert await send(entry) == Delivered()
    assert [head.split(" HTTP/")[0] for head in proxy.heads] == ["POST http://chat.example/hook"]


class TestAWebhook:
    async def test_carries_a_signature_and_the_same_id_each_time(self) -> None:
        async with listening(http_status(503)) as seen:
            for _ in range(2):
                await send(KINDS["webhook"].entry(seen.port))
        heads = [
            dict(line.lower().split(": ", 1) for line in head.split("\r\n") if ": " in line)
            for head in seen.heads
        ]
        assert {head["webhook-id"] for head in heads} == {f"msg_{MESSAGE.id}"}
        assert heads[0]["host"] == f"localhost:{seen.port}"
        assert seen.messages[0] == seen.messages[1]
        signed = dict(
            line.split(": ", 1)
            for line in seen.heads[0].split("\r\n")
            if line.startswith("webhook")
        )
        assert Webhook(SECRET).verify(seen.messages[0], signed) == {
            "type": "incident.message",
            "data": {"id": str(MESSAGE.id), "title": MESSAGE.title, "text": MESSAGE.text},
        }

    async def test_gives_the_users_name_of_its_url(self) -> None:
        async with listening(http_status(200)) as seen:
            entry = KINDS["webhook"].entry(seen.port)
            entry["url"] = entry["url"].replace("://", "://u:p@")
            assert await send(entry) == Delivered()
        assert f"authorization: Basic {base64.b64encode(b'u:p').decode()}".lower() in (
            seen.heads[0].lower()
        )


class TestAMail:
    async def test_goes_to_nobody_when_one_recipient_is_refused(self) -> None:
        serve = Mail(recipients={"b@example.org": "550 no"})
        async with listening(serve) as seen:
            entry = KINDS["mail"].entry(seen.port)
            entry["url"] = entry["url"].replace("lead@", "a@example.org,b@")
            result = await send(entry)
        assert result == NotDelivered(
            "The mail server answered 550 to 1 of 2 recipients; the message was sent to nobody."
        )
        assert not any(line.startswith("DATA") for line in seen.heads)

    async def test_asks_for_starttls_before_it_says_anything(
        self, certificates: Certificates
    ) -> None:
        async with listening(Mail(starttls=certificates.server)) as seen:
            entry = KINDS["mail"].entry(seen.port, ca_file=str(certificates.authority), timeout=5)
            entry["url"] = entry["url"].replace("&tls=none", "")
            assert await send(entry) == Delivered()
        verbs = [line.split(":")[0].split()[0] for line in seen.heads]
        assert verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]

    @pytest.mark.parametrize("trusted", [True, False])
    async def test_says_nothing_without_starttls_or_trust(
        self, certificates: Certificates, trusted: bool
    ) -> None:
        serve = Mail(starttls=None if trusted else certificates.server)
        async with listening(serve) as seen:
            entry = KINDS["mail"].entry(seen.port)
            entry["url"] = entry["url"].replace("&tls=none", "").replace("://", "://u:hunter2@")
            assert isinstance(await send(entry), NotDelivered)
        assert not any(line.startswith(("MAIL", "AUTH")) for line in seen.heads)

    async def test_a_server_that_takes_no_leave_changes_nothing(self) -> None:
        async def closes(seen: Seen, reader: hostile.Reader, writer: hostile.Writer) -> None:
            await Mail()(seen, _until_quit(reader), writer)

        async with listening(closes) as seen:
            assert await send(KINDS["mail"].entry(seen.port)) == Delivered()


def _until_quit(reader: hostile.Reader) -> hostile.Reader:
    """The connection ends at QUIT, without an answer."""
    readline = reader.readline

    async def ended() -> bytes:
        line = await readline()
        return b"" if line.startswith(b"QUIT") else line

    reader.readline = ended  # type: ignore[method-assign]
    return reader


async def test_a_stop_leaves_no_process_of_apprise_behind() -> None:
    async with listening(hostile.http_drip) as seen:
        entry = KINDS["apprise"].entry(seen.port, timeout=20)
        sending = asyncio.create_task(send(entry))
        async with asyncio.timeout(20):
            while not seen.messages:
                await asyncio.sleep(0.05)
        (process,) = [one for one in psutil.Process().children() if PROGRAM in one.cmdline()]
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert not process.is_running()
