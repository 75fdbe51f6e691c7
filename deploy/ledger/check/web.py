"""A log's static files, or a service's answers, over HTTP. Nothing is believed of what they hold,
and no server decides how long it takes or how much memory.

A token goes to nobody but the address that was given, and only where nobody between can read it.
The environment changes nothing: no proxy, no `.netrc`, no other certificates."""

import asyncio
import ipaddress
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from shared.audit.files import Files, Folder, Unreachable, longest

AHEAD: Final = 16
"""Requests under way at once."""

PATIENCE: Final = 30.0
"""Seconds that an answer may take before its first byte counts."""

SLOWEST: Final = 32 * 1024
"""Bytes a second that an answer must bring after that, on average."""


class Answer(NamedTuple):
    """`body` is cut off one byte after the most that was asked for."""

    status: int
    body: bytes
    location: str


@dataclass(frozen=True, slots=True)
class Web:
    """`url` is the log's prefix; `token` a bearer token for a log that is not open to everybody.

    Raises Unreachable for an address that is none, or that a token must not be sent to."""

    url: str
    token: str | None = field(default=None, repr=False)
    patience: float = field(default_factory=lambda: PATIENCE)
    client: httpx.AsyncClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _check_address(self.url, self.token)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        limits = httpx.Limits(max_connections=AHEAD, max_keepalive_connections=AHEAD)
        client = httpx.AsyncClient(
            headers={"Accept-Encoding": "identity", **headers},
            timeout=self.patience,
            limits=limits,
            trust_env=False,
            follow_redirects=False,
            transport=httpx.AsyncHTTPTransport(retries=2, limits=limits, trust_env=False),
        )
        object.__setattr__(self, "client", client)

    @property
    def name(self) -> str:
        return self.url

    def read(self, path: str) -> bytes | None:
        return self._file(path, self._ask(path, longest(path)))

    def read_all(self, paths: Iterable[str]) -> Iterator[bytes | None]:
        under_way: deque[tuple[str, Future[Answer]]] = deque()
        try:
            for path in paths:
                under_way.append((path, self._ask(path, longest(path))))
                if len(under_way) >= AHEAD:
                    yield self._file(*under_way.popleft())
            while under_way:
                yield self._file(*under_way.popleft())
        finally:
            for _, request in under_way:
                request.cancel()

    def get(self, path: str, most: int) -> Answer:
        """The answer to a GET of this path, query included. Raises Unreachable."""
        return self._ask(path, most).result()

    def _ask(self, path: str, most: int) -> Future[Answer]:
        return asyncio.run_coroutine_threadsafe(self._get(path, most), _loop())

    def _file(self, path: str, request: Future[Answer]) -> bytes | None:
        status, body, location = request.result()
        if status in {404, 410}:
            return None
        if status in {401, 403}:
            raise Unreachable(
                f"{self.url} answers {status}; give an auditor's token with --token or LEDGER_TOKEN"
            )
        if 300 <= status < 400:
            raise Unreachable(
                f"{self.url} sends on to {location or 'nowhere'}, which is not followed; "
                "give the address itself"
            )
        if not 200 <= status < 300:
            raise Unreachable(f"{self.url}/{path} answers {status}")
        return body

    async def _get(self, path: str, most: int) -> Answer:
        begun = asyncio.get_running_loop().time()
        body = bytearray()
        try:
            async with (
                asyncio.timeout_at(begun + self.patience) as deadline,
                self.client.stream("GET", f"{self.url.rstrip('/')}/{path}") as answer,
            ):
                if answer.headers.get("content-encoding", "identity").lower() != "identity":
                    raise Unreachable(f"{self.url} sends {path} compressed, unasked")
                async for part in answer.aiter_raw():
                    body += part
                    if len(body) > most:
                        break
                    deadline.reschedule(begun + self.patience + len(body) / SLOWEST)
                location = answer.headers.get("location", "")
                return Answer(answer.status_code, bytes(body[: most + 1]), location)
        except TimeoutError as error:
            raise Unreachable(
                f"{self.url} is too slow: {len(body)} bytes of {path} "
                f"in {asyncio.get_running_loop().time() - begun:.0f} s"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(
                f"{self.url} does not answer: {type(error).__name__} {error}"
            ) from error


def _check_address(url: str, token: str | None) -> None:
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise Unreachable(f"{url!r} is not an address: {error}") from error
    if address.scheme not in {"http", "https"} or not address.host:
        raise Unreachable(f"{url!r} is not an http(s) address of a log")
    if address.userinfo:
        raise Unreachable("an address holds no user and no password; give a token with --token")
    if address.query or address.fragment:
        raise Unreachable(f"{url!r} has a query or a fragment; give the log's prefix alone")
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise Unreachable("the token holds characters that no token has; give it as it was issued")
    if token and address.scheme != "https" and not _is_this_machine(address.host):
        raise Unreachable(
            f"{url} is read in the clear, where anybody between could take the token; "
            "give an https address, or no token (neither --token nor LEDGER_TOKEN)"
        )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Requests run beside the command, so that each can be given up at its deadline."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="requests", daemon=True).start()
    return loop


def open_files(source: str, token: str | None = None) -> Files:
    """Raises Unreachable when it is neither an address nor a folder."""
    if source.lower().startswith(("http://", "https://")):
        return Web(source, token)
    if not source.strip() or not _is_folder(source):
        raise Unreachable(f"{source!r} is no folder, no dossier and no http(s) address of a log")
    return Folder(Path(source))


def _is_folder(source: str) -> bool:
    try:
        return Path(source).is_dir()
    except (OSError, ValueError):  # a name that no file can have
        return False
