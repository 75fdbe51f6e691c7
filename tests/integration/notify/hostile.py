"""Servers that answer as servers do on a bad day, and a certificate authority for them."""

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.runtime.process import clock

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter

DRIP_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class Certificates:
    """`authority` is what a client has to trust; `server` is the server's chain and key."""

    authority: Path
    server: ssl.SSLContext


def certificates(folder: Path, name: str = "localhost") -> Certificates:
    """A new authority, and a server's certificate by it for `name` and 127.0.0.1."""
    now = clock.now()
    root, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])

    def signed(
        key: ec.EllipticCurvePrivateKey, subject: x509.Name, *, ca: bool
    ) -> x509.Certificate:
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        if name == "localhost":
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(root, hashes.SHA256())
        )

    authority, chain = folder / f"authority-{name}.pem", folder / f"server-{name}.pem"
    authority.write_bytes(signed(root, issuer, ca=True).public_bytes(Encoding.PEM))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    chain.write_bytes(
        signed(leaf, subject, ca=False).public_bytes(Encoding.PEM)
        + leaf.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return Certificates(authority, context)


@dataclass(slots=True)
class Seen:
    """What came to a server: connections, and the messages that it read to their end."""

    port: int = 0
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)


Serve = Callable[[Seen, Reader, Writer], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[Seen]:
    """Serves on a port of its own for as long as the body runs."""
    seen = Seen()
    under_way: set[asyncio.Task[None]] = set()

    async def connected(reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        seen.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await serve(seen, reader, writer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def drip(writer: Writer, text: bytes) -> None:
    """Byte after byte, then the last one for ever."""
    while True:
        writer.write(text[:1])
        await writer.drain()
        text = text[1:] or text
        await asyncio.sleep(DRIP_EVERY)


async def read_request(seen: Seen, reader: Reader) -> str:
    """One HTTP request; its request line."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    sizes = {name.lower(): value for name, value in fields.items()}
    seen.messages.append(await reader.readexactly(int(sizes.get("content-length", "0"))))
    seen.heads.append(head)
    return head.split("\r\n")[0]


def http(answer: str) -> Serve:
    """Answers every request so; the page that `{port}` redirects lead to is glad of anything."""

    async def serve(seen: Seen, reader: Reader, writer: Writer) -> None:
        line = await read_request(seen, reader)
        text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if "/glad" in line else answer
        writer.write(text.replace("{port}", str(seen.port)).encode("latin-1"))
        await writer.drain()
        await reader.read()

    return serve


def http_status(status: int, *fields: str) -> Serve:
    lines = (f"HTTP/1.1 {status} so", "Content-Length: 0", *fields)
    return http("\r\n".join(lines) + "\r\n\r\n")


async def http_drip(seen: Seen, reader: Reader, writer: Writer) -> None:
    await read_request(seen, reader)
    await drip(writer, b"HTTP/1.1 200 OK\r\nX: ")


async def http_endless_head(seen: Seen, reader: Reader, writer: Writer) -> None:
    await read_request(seen, reader)
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def http_endless_body(seen: Seen, reader: Reader, writer: Writer) -> None:
    await read_request(seen, reader)
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def http_closed_after(seen: Seen, reader: Reader, writer: Writer) -> None:
    await read_request(seen, reader)


async def closed_at_once(seen: Seen, reader: Reader, writer: Writer) -> None:
    """Ends the connection without a word."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail server's script: what it answers at each step, None to close the connection, "drip"
    to answer for ever."""

    greeting: str | None = "220 ready"
    ehlo: str | None = "250 mail.example"
    sender: str | None = "250 ok"
    recipients: dict[str, str | None] = field(default_factory=dict)
    data: str | None = "354 go on"
    end: str | None = "250 taken"
    starttls: ssl.SSLContext | None = None

    async def __call__(self, seen: Seen, reader: Reader, writer: Writer) -> None:
        with contextlib.suppress(_Closed):
            await _say(writer, self.greeting)
            while line := (await reader.readline()).decode("latin-1").strip():
                seen.heads.append(line)
                await self._answer(line, seen, reader, writer)

    async def _answer(self, line: str, seen: Seen, reader: Reader, writer: Writer) -> None:
        verb = line[:4].upper()
        if verb == "EHLO":
            offers = "250-mail.example\r\n250 STARTTLS" if self.starttls else self.ehlo
            await _say(writer, offers)
        elif verb == "STAR":
            await _say(writer, "220 go on")
            await writer.start_tls(self.starttls or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        elif verb == "MAIL":
            await _say(writer, self.sender)
        elif verb == "RCPT":
            recipient = line.partition("<")[2].partition(">")[0]
            await _say(writer, self.recipients.get(recipient, "250 ok"))
        elif verb == "DATA":
            await _say(writer, self.data)
            if (self.data or "").startswith("354"):
                seen.messages.append(await reader.readuntil(b"\r\n.\r\n"))
                await _say(writer, self.end)
        else:
            await _say(writer, "221 bye")


class _Closed(Exception):
    pass


async def _say(writer: Writer, answer: str | None) -> None:
    if answer is None:
        raise _Closed
    if answer == "drip":
        await drip(writer, b"250-")
    writer.write(answer.encode("latin-1") + b"\r\n")
    await writer.drain()
