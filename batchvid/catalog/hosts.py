"""Which hosts are private, by their name alone. Pure: does no name lookup."""

from __future__ import annotations

from ipaddress import ip_address

PRIVATE_DOMAINS = ("localhost", "local", "internal", "lan", "home.arpa")
"""Not delegated in the public DNS: RFC 6761, RFC 6762, ICANN 2024 (internal), RFC 8375; `lan` is what routers use."""


def is_private_host(host: str) -> bool:
    """Whether a host is certainly not in a public network: a private address, or a name that only a local network has.

    A plan needs no network, and what a name resolves to can change before the key is sent. So every other name counts
    as public, wherever it leads today.

    >>> is_private_host("192.168.1.5"), is_private_host("gateway"), is_private_host("api.example.com")
    (True, True, False)
    """
    host = host.rstrip(".").casefold()
    try:
        address = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        is_number = host.replace(".", "").isalnum() and host.rpartition(".")[2][:1].isdigit()  # 127.1, 2130706433
        return not is_number and ("." not in host or host.endswith(tuple(f".{name}" for name in PRIVATE_DOMAINS)))
    return not address.is_global
