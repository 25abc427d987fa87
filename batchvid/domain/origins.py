"""Whether two addresses name the same server, and which path below it one names. Pure: no name is looked up."""

from __future__ import annotations

from urllib.parse import urlsplit

EMBEDDED_ORIGIN = "embedded"  # of tasks of the emulator that a run starts, whatever its port
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})  # names of this machine
DEFAULT_PORTS = {"http": 80, "https": 443}


def same_origin(one: str, other: str) -> bool:
    """Whether scheme, host, port and path agree. All names of this machine are one host."""
    return one == other or _parts(one) == _parts(other)


def path_below(route: str, address: str) -> str:
    """The path, with its query, of an address below a route (base URL with prefix); empty if it is not below it.

    The address may be absolute, or a path from the origin.

    >>> path_below("https://gw.example.com/fal", "https://gw.example.com/fal/m/requests/1/status")
    '/m/requests/1/status'
    >>> path_below("https://gw.example.com", "https://other.example.com/m/requests/1/status")
    ''
    """
    try:
        parts, below = urlsplit(address), urlsplit(route).path.rstrip("/")
        scheme, netloc = urlsplit(route)[:2]
    except ValueError:
        return ""
    origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    if origin and not same_origin(origin, f"{scheme}://{netloc}"):
        return ""
    path = parts.path.removeprefix(below)
    is_below = parts.path.startswith(f"{below}/") and ".." not in path.split("/") and path.isascii() and " " not in path
    return f"{path}?{parts.query}" if is_below and parts.query else path if is_below else ""


def _parts(base_url: str) -> tuple[object, ...]:
    try:
        parts = urlsplit(base_url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return (base_url,)
    host = parts.hostname or ""
    return parts.scheme, "localhost" if host in LOOPBACK else host, port, parts.path.rstrip("/"), parts.username
