"""Sends one message by apprise and says whether apprise is sure that it went out.

The order comes as JSON on standard input; `DELIVERED` on standard output is the only yes. Run as a
process of its own, so that the guard over its connections holds for everything that apprise loads.
"""

import json
import os
import socket
import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, PersistentStoreMode

from services.notify.channels.addresses import is_public

DELIVERED: Final = b"delivered"

ASSET: Final = AppriseAsset(
    app_id="incident-ledger",
    app_desc="Incident ledger",
    storage_mode=PersistentStoreMode.MEMORY,
    secure_logging=True,
    http_redirects=False,
)

_CONNECTING: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_INTERNET: Final = frozenset({socket.AF_INET, socket.AF_INET6})


class Order(NamedTuple):
    url: str
    title: str
    text: str
    allow_private: bool
    proxy: str | None
    timeout: float
    """Seconds that the server has to answer."""


def deliver(order: Order) -> bool:
    """Whether apprise says that the message went out."""
    channel = Apprise.instantiate(order.url, asset=ASSET, suppress_exceptions=True)
    if not isinstance(channel, NotifyBase):
        return False
    channel.redirects = False
    channel.socket_connect_timeout = channel.socket_read_timeout = order.timeout
    sending = Apprise(asset=ASSET)
    sending.add(channel)
    result = sending.notify(body=order.text, title=order.title, body_format=NotifyFormat.TEXT)
    return bool(result)


def guard(permitted: Callable[[str], bool]) -> Callable[[str, tuple[Any, ...]], None]:
    """A hook that lets a socket go to permitted addresses only. It sees the address that the
    connection really goes to, so no later resolution can change it."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _CONNECTING or arguments[0].family not in _INTERNET:
            return
        address = arguments[1]
        if address is not None and not permitted(str(address[0])):
            raise PermissionError("the channels file does not allow this address")

    return hook


def _permitted(order: Order) -> Callable[[str], bool]:
    allowed: frozenset[str] = frozenset()
    if order.proxy is not None:
        found = socket.getaddrinfo(urlsplit(order.proxy).hostname, None)
        allowed = frozenset(str(address[0]) for *_, address in found)
    return lambda address: order.allow_private or address in allowed or is_public(address)


def main() -> None:
    answer = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a plugin may print
    order = Order(**json.load(sys.stdin))
    sys.addaudithook(guard(_permitted(order)))
    if deliver(order):
        os.write(answer, DELIVERED)


if __name__ == "__main__":
    main()
