"""Which addresses are public, however they are written."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.channels.addresses import PrivateAddress, addresses_of, connect, is_public

INSIDE = [
    "0.0.0.0",  # noqa: S104  an address to refuse
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
]
OUTSIDE = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "223.255.255.254"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_inner_address_is_not_public_in_any_wrapping(address: str) -> None:
    assert [form for form in wrapped(address) if is_public(form)] == []


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_outer_address_is_public(address: str) -> None:
    assert is_public(address)
    assert is_public(f"::ffff:{address}")


@pytest.mark.parametrize(
    "address",
    ["::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"],
)
def test_an_inner_address_of_ipv6_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["2606:4700::1111", "2a00:1450:4001::200e"])
def test_an_outer_address_of_ipv6_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "2130706433", "8.8.8.8 ", "[::1]"])
def test_what_is_not_an_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_no_wrapping_makes_an_inner_address_public(address: ipaddress.IPv4Address) -> None:
    assert not any(is_public(form) for form in wrapped(str(address)))


def wrapped(address: str) -> list[str]:
    """The IPv6 addresses that lead to an IPv4 address, and that one itself."""
    number = int(ipaddress.IPv4Address(address))
    teredo = (0x20010000 << 96) | (int(ipaddress.IPv4Address("1.1.1.1")) << 64)
    return [
        address,
        f"::ffff:{address}",
        str(ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | number)),
        str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1)),
        str(ipaddress.IPv6Address(teredo | (number ^ 0xFFFFFFFF))),
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f000001", "localhost", "::1"])
async def test_a_host_is_judged_by_what_it_resolves_to(host: str) -> None:
    with pytest.raises(PrivateAddress):
        await addresses_of(host, 80, allow_private=False)
    assert set(await addresses_of(host, 80, allow_private=True)) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 64 + ".example"])
async def test_a_name_without_an_address_is_an_os_error(host: str) -> None:
    with pytest.raises(OSError, match=r"."):
        await addresses_of(host, 80, allow_private=True)


async def test_a_connection_goes_to_the_address_that_was_checked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with await connect("localhost", port, allow_private=True) as connected:
            assert connected.getpeername() == ("127.0.0.1", port)
        with pytest.raises(PrivateAddress):
            await connect("localhost", port, allow_private=False)
    with pytest.raises(OSError, match=r"."):
        await connect("127.0.0.1", port, allow_private=True)
