"""Whether two base URLs name the same server. Pure: no name is looked up."""

from __future__ import annotations

from urllib.parse import urlsplit

EMBEDDED_ORIGIN = "embedded"  # of tasks of the emulator that a run starts, whatever its port
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})  # names of this machine
DEFAULT_PORTS = {"http": 80, "https": 443}


def same_origin(one: str, other: str) -> bool:
    """Whether scheme, host, port and path agree. All names of this machine are one host."""
    return one == other or _parts(one) == _parts(other)


def _parts(base_url: str) -> tuple[object, ...]:
    try:
        parts = urlsplit(base_url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return (base_url,)
    host = parts.hostname or ""
    return parts.scheme, "localhost" if host in LOOPBACK else host, port, parts.path.rstrip("/"), parts.username
