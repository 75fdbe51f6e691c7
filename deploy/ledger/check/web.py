"""A log's static files over HTTP. Nothing is believed of what they hold."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from shared.audit.files import MAX_FILE, Files, Folder, Unreachable

AHEAD: Final = 16
"""Requests under way at once."""


@dataclass(frozen=True, slots=True)
class Web:
    """`url` is the log's prefix; `token` a bearer token for a log that is not open to everybody."""

    url: str
    token: str | None = field(default=None, repr=False)
    client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        limits = httpx.Limits(max_connections=AHEAD, max_keepalive_connections=AHEAD)
        client = httpx.Client(
            headers=headers,
            timeout=30,
            limits=limits,
            transport=httpx.HTTPTransport(retries=2, limits=limits),
        )
        object.__setattr__(self, "client", client)

    @property
    def name(self) -> str:
        return self.url

    def read(self, path: str) -> bytes | None:
        try:
            with self.client.stream("GET", f"{self.url.rstrip('/')}/{path}") as answer:
                if answer.status_code in {404, 410}:
                    return None
                if answer.status_code in {401, 403}:
                    raise Unreachable(
                        f"{self.url} answers {answer.status_code}; give an auditor's token with --token or LEDGER_TOKEN"
                    )
                if not answer.is_success:
                    raise Unreachable(f"{self.url}/{path} answers {answer.status_code}")
                return _at_most(MAX_FILE + 1, answer)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(
                f"{self.url} does not answer: {type(error).__name__} {error}"
            ) from error

    def read_all(self, paths: Iterable[str]) -> Iterator[bytes | None]:
        under_way: deque[Future[bytes | None]] = deque()
        with ThreadPoolExecutor(AHEAD) as pool:
            try:
                for path in paths:
                    under_way.append(pool.submit(self.read, path))
                    if len(under_way) >= AHEAD:
                        yield under_way.popleft().result()
                while under_way:
                    yield under_way.popleft().result()
            finally:
                for request in under_way:
                    request.cancel()


def _at_most(limit: int, answer: httpx.Response) -> bytes:
    parts, size = [], 0
    for part in answer.iter_bytes():
        parts.append(part)
        if (size := size + len(part)) > limit:
            break
    return b"".join(parts)


def open_files(source: str, token: str | None = None) -> Files:
    """Raises Unreachable when it is neither an address nor a folder."""
    if source.startswith(("http://", "https://")):
        return Web(source, token)
    if not Path(source).is_dir():
        raise Unreachable(f"{source} is no folder, no dossier and no http(s) address of a log")
    return Folder(Path(source))
