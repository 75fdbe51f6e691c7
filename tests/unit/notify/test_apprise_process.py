"""The process that runs apprise: what it is told, and where its sockets may go."""

import socket
import sys
import threading

import pytest

from services.notify.channels.addresses import is_public
from services.notify.channels.apprise_channel import environment
from services.notify.channels.apprise_process import ASSET, guard


def test_it_is_told_what_the_channels_file_says_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://eve.example")
    assert set(environment(None, None)) == {"PYTHONPATH", "LANG", "HOME", "NETRC"}
    told = environment("http://proxy.example", "/ca.pem")
    assert (told["HTTP_PROXY"], told["HTTPS_PROXY"]) == ("http://proxy.example",) * 2
    assert told["REQUESTS_CA_BUNDLE"] == "/ca.pem"


def test_it_follows_no_redirect() -> None:
    assert ASSET.http_redirects is False


@pytest.mark.parametrize("event", ["socket.connect", "socket.sendto", "socket.sendmsg"])
@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("127.0.0.1", 80)),
        (socket.AF_INET, ("localhost", 80)),
        (socket.AF_INET, ("example.org", 80)),
        (socket.AF_INET6, ("::1", 80, 0, 0)),
        (socket.AF_INET6, ("::ffff:10.0.0.1", 80, 0, 0)),
    ],
    ids=str,
)
def test_a_socket_goes_to_no_address_inside(
    event: str, family: socket.AddressFamily, address: tuple[object, ...]
) -> None:
    kind = socket.SOCK_STREAM if event == "socket.connect" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as one, pytest.raises(PermissionError):
        guard(is_public)(event, (one, address))


def test_a_socket_goes_to_public_addresses_and_where_it_is_connected_already() -> None:
    with socket.socket() as one:
        guard(is_public)("socket.connect", (one, ("8.8.8.8", 53)))
        guard(is_public)("socket.sendmsg", (one, None))
        guard(is_public)("socket.bind", (one, ("127.0.0.1", 0)))


def test_python_asks_the_guard_before_each_of_these() -> None:
    """So that the guard does not depend on a name that Python does not use."""
    asked: set[str] = set()
    thread = threading.get_ident()
    on = True

    def hook(event: str, _: tuple[object, ...]) -> None:
        if on and threading.get_ident() == thread and event.startswith("socket."):
            asked.add(event)

    sys.addaudithook(hook)
    with (
        socket.socket(type=socket.SOCK_DGRAM) as server,
        socket.socket(type=socket.SOCK_DGRAM) as one,
    ):
        server.bind(("127.0.0.1", 0))
        one.sendto(b"", server.getsockname())
        one.sendmsg([b""], [], 0, server.getsockname())
        one.connect(server.getsockname())
    on = False
    assert asked >= {"socket.sendto", "socket.sendmsg", "socket.connect"}
