"""How far a vendor's link may lead: which addresses may be connected to. Rules on addresses; asks no name server.

A reply, or a redirect behind it, names the host a clip is fetched from. Whoever writes such a reply must not be able
to make this machine ask its own network: a router's page, a database, the keys of the cloud it runs in.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 host as a network without IPv4 sees it
Address = IPv4Address | IPv6Address


class BlockedAddress(OSError):
    """A link leads to an address that it may not lead to. The words are the same for every address of a host."""

    def __init__(self) -> None:
        super().__init__("a private address")


def may_fetch(address: str, *, origin_is_private: bool, allow: bool) -> bool:
    """Whether a link may lead to this very address, as it stands in the call that connects.

    Public addresses may always be fetched from. Private ones only when the provider itself is at such an address, or
    the user allows it; link-local ones, where clouds hand out their keys, only when the user does. What is no address
    in plain notation (`2130706433`, `127.1`) is read as loopback by the system and is refused here.
    """
    if allow:
        return True
    try:
        found = _unwrapped(ip_address(address))
    except ValueError:
        return False
    return is_public(found) or (origin_is_private and not found.is_link_local)


def is_public(address: Address) -> bool:
    """Whether everybody means the same machine by this address."""
    address = _unwrapped(address)
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or site_local)


def socket_factory(*, origin_is_private: bool, allow: bool) -> Callable[[Any], socket.socket]:
    """Makes a connector's sockets: for addresses that `may_fetch` allows; for others it raises OutOfReach.

    It is asked with the address that is connected to next: a literal, or what the name server said this very time,
    also behind a redirect. Nothing lies between the check and the use.
    """

    def make(info: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not may_fetch(str(address[0]), origin_is_private=origin_is_private, allow=allow):
            raise BlockedAddress
        return socket.socket(family, kind, protocol)

    return make


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
