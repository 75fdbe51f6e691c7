"""Which addresses a channel may connect to.

A name is resolved once, every address that it has is checked, and the connection goes to a checked
address: a second resolution could give another one. The standard library alone is used here, since
the process that runs apprise loads this module too."""

import asyncio
import ipaddress
import socket
from typing import Final, TypeAlias

IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class PrivateAddress(Exception):
    """The host has an address inside a network, and its channel does not allow that."""


def is_public(address: str) -> bool:
    """Whether an address is reached over the internet: not private, loopback, link-local, shared,
    multicast or reserved, not even wrapped in an IPv6 address that leads to one. Text that is not
    an address is not public."""
    try:
        parsed = _unwrapped(ipaddress.ip_address(address))
    except ValueError:
        return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _unwrapped(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv4-mapped, 6to4, Teredo or NAT64 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour or address


async def addresses_of(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The addresses of a host, in the order to try them. Raises PrivateAddress when one of them is
    not public and `allow_private` is false, OSError when the name does not resolve."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError(str(error)) from error
    addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
    if not allow_private and not all(is_public(address) for address in addresses):
        raise PrivateAddress
    return addresses


async def connect(host: str, port: int, *, allow_private: bool) -> socket.socket:
    """A socket connected to the first address that takes it. Raises as `addresses_of`, and OSError
    when no address takes the connection."""
    last: OSError = OSError("no address")
    for address in await addresses_of(host, port, allow_private=allow_private):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connected = socket.socket(family, socket.SOCK_STREAM)
        connected.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connected, (address, port))
        except OSError as error:
            connected.close()
            last = error
        except BaseException:
            connected.close()
            raise
        else:
            return connected
    raise last
