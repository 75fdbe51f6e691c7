"""Webhooks, signed as Standard Webhooks asks.

Only a 2xx to the request itself says that the receiver took the message. A redirect is a refusal:
the text goes nowhere but where the channels file says. `CHANNELS.md` shows what a receiver does."""

import asyncio
import base64
import binascii
import json
import ssl
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from standardwebhooks import Webhook

from services.notify.channels.addresses import PrivateAddress, addresses_of
from services.notify.channels.entries import Entry
from services.notify.channels.results import (
    BROKE_OFF,
    NO_CONNECTION,
    Delivered,
    NobodyKnows,
    NotDelivered,
    Payload,
    Result,
)
from shared.runtime.process import clock

TIMEOUT: Final = 10.0
SCHEMES: Final = frozenset({"http", "https"})

_PORTS: Final = {"http": 80, "https": 443}
_GATEWAY: Final = frozenset({408, 502, 504, *range(520, 528)})
"""Statuses of a server in between that had no answer from the one behind it."""
_PRIVATE: Final = NotDelivered(
    "The channel's host has a private address, and the channels file does not allow that."
)


@dataclass(slots=True)
class _Progress:
    """Whether any of the request may be on its way."""

    begun: bool = False

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Called by httpcore at each step; a proxy's CONNECT carries nothing of the message."""
        if event.endswith("send_request_headers.started") and info["request"].method == b"POST":
            self.begun = True


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """Posts JSON to one URL, signed."""

    url: httpx.URL = field(repr=False)
    signer: Webhook = field(repr=False)
    trusted: ssl.SSLContext
    allow_private: bool
    proxy: httpx.URL | None = field(repr=False)
    timeout: float

    @classmethod
    def of(cls, entry: Entry) -> "WebhookChannel":
        """Raises ValueError, without any secret in it, when the entry cannot be used."""
        url = _url(entry.url, SCHEMES, "url")
        if url.scheme == "http" and not entry.allow_private:
            raise ValueError("a text must not cross the internet in clear; use https://")
        proxy = _url(entry.proxy, SCHEMES, "proxy") if entry.proxy is not None else None
        return cls(
            url,
            Webhook(_secret(entry.secret)),
            entry.trusted(),
            entry.allow_private,
            proxy,
            entry.timeout or TIMEOUT,
        )

    async def send(self, message: Payload) -> Result:
        progress = _Progress()
        try:
            async with asyncio.timeout(self.timeout):
                return await self._post(message, progress)
        except PrivateAddress:
            return _PRIVATE
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            return BROKE_OFF if progress.begun else NO_CONNECTION

    async def _post(self, message: Payload, progress: _Progress) -> Result:
        host = self.url.raw_host.decode("ascii")
        body = body_of(message)
        targets = [host]  # a proxy resolves names itself
        if self.proxy is None:
            port = self.url.port or _PORTS[self.url.scheme]
            targets = await addresses_of(host, port, allow_private=self.allow_private)
        async with httpx.AsyncClient(
            verify=self.trusted,
            trust_env=False,
            follow_redirects=False,
            proxy=self.proxy,
            timeout=self.timeout,
        ) as client:
            for target in targets[:-1]:
                try:
                    return await self._post_to(client, target, message, body, progress)
                except httpx.TransportError:
                    if progress.begun:
                        raise
            return await self._post_to(client, targets[-1], message, body, progress)

    async def _post_to(
        self, client: httpx.AsyncClient, target: str, message: Payload, body: str, on: _Progress
    ) -> Result:
        """One request to one checked address, under the name that the URL has: certificates are
        held against the name. The answer's status is read, and nothing of its body."""
        request = client.build_request(
            "POST",
            self.url.copy_with(host=target),
            content=body.encode("utf-8"),
            headers={"Host": self.url.netloc.decode("ascii"), **self._headers(message, body)},
            extensions={"sni_hostname": self.url.raw_host.decode("ascii"), "trace": on.trace},
        )
        answer = await client.send(request, stream=True)
        try:
            return answered(answer.status_code)
        finally:
            await answer.aclose()

    def _headers(self, message: Payload, body: str) -> dict[str, str]:
        now = clock.now()
        return {
            "Content-Type": "application/json",
            "User-Agent": "incident-ledger",
            "webhook-id": id_of(message),
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self.signer.sign(id_of(message), now, body),
        }


def id_of(message: Payload) -> str:
    return f"msg_{message.id}"


def body_of(message: Payload) -> str:
    """The same for every attempt."""
    data = {"id": str(message.id), "title": message.title, "text": message.text}
    return json.dumps({"type": "incident.message", "data": data}, ensure_ascii=False)


def answered(status: int) -> Result:
    """What the status of an answer to the request says."""
    if 200 <= status < 300:
        return Delivered()
    if status in _GATEWAY:
        return NobodyKnows(
            f"A gateway answered HTTP {status}: the server behind it may have taken the message."
        )
    if 300 <= status < 400:
        return NotDelivered(
            f"The channel answered HTTP {status}, a redirect, which is never followed."
        )
    if 400 <= status < 600:
        return NotDelivered(f"The channel answered HTTP {status}.")
    return BROKE_OFF


def _url(text: str, schemes: frozenset[str], key: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
        usable = url.scheme in schemes and bool(url.host) and not url.fragment
    except httpx.InvalidURL:
        usable = False
    if not usable:
        raise ValueError(f"its {key} is not of the form https://host/path")
    return url


def _secret(text: str | None) -> str:
    remedy = "whsec_ and base64 of 24 to 64 random bytes, which its receiver has too"
    if text is None:
        raise ValueError(f"a webhook needs a 'secret': {remedy}")
    try:
        size = len(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not text.startswith("whsec_") or not 24 <= size <= 64:
        raise ValueError(f"its 'secret' must be {remedy}")
    return text
