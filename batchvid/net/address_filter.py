"""SSRF protection: the addresses that a vendor's link may lead to. Rules on addresses; does no name lookup.

A vendor's reply, or a redirect, names the host of a clip. It must not make this machine send requests into its own
network: to a router, a database, or the metadata service of its cloud.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 host as a network without IPv4 sees it
Address = IPv4Address | IPv6Address


class BlockedAddress(OSError):
    """A link leads to a blocked address. The message is the same for every address of a host."""

    def __init__(self) -> None:
        super().__init__("a private address")


def may_fetch(address: str, *, origin_is_private: bool, allow: bool) -> bool:
    """Whether a link may lead to the address that is about to be connected to.

    A public address is allowed. A private one is allowed if the provider itself is at a private address, or if the user
    allows it; a link-local one, where clouds serve credentials, only if the user allows it. Any other notation
    (`2130706433`, `127.1`) is refused, because the system reads it as loopback.
    """
    if allow:
        return True
    try:
        parsed = _embedded_ipv4(ip_address(address))
    except ValueError:
        return False
    return is_public(parsed) or (origin_is_private and not parsed.is_link_local)


def is_public(address: Address) -> bool:
    """Whether this is a globally routable unicast address."""
    address = _embedded_ipv4(address)
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or site_local)


def socket_factory(*, origin_is_private: bool, allow: bool) -> Callable[[Any], socket.socket]:
    """Creates a connector's sockets for addresses that `may_fetch` allows; raises BlockedAddress for others.

    The connector calls it with the resolved address right before it connects, also after a redirect, so that the
    address cannot change between check and use.
    """

    def create_socket(info: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not may_fetch(str(address[0]), origin_is_private=origin_is_private, allow=allow):
            raise BlockedAddress
        return socket.socket(family, kind, protocol)

    return create_socket


def _embedded_ipv4(address: Address) -> Address:
    """The IPv4 address that an IPv6 address embeds, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
