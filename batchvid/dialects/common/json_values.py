"""Take one value out of a reply that may be anything. Every function here accepts any JSON and raises nothing.

It knows types, units and lengths, but no vendor and no envelope.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

Path = tuple[str | int, ...]
"""Where a value stands: keys and list positions, from the outside in."""

MESSAGE_CHARS = 500  # a vendor's sentence; whole pages of HTML have been seen in its place
ID_CHARS = 512  # aggregators encode a route into the id: several hundred characters are honest
MILLISECONDS_FROM = 10**11  # as seconds this is the year 5138, as milliseconds 1973
LAST_SECOND = 253402300799  # 9999-12-31T23:59:59Z, the last that datetime can hold

_KEY = re.compile(r"\b(sk|key)-[A-Za-z0-9_\-]{8,}")


def dig(value: object, path: Path) -> object:
    """Follow `path` into a JSON value; None as soon as it leads nowhere."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def text(value: object, limit: int = MESSAGE_CHARS) -> str:
    """Turn a string or number into one printable line of at most `limit` characters, without keys; else empty.

    >>> text("  no\\nsuch\\x00 model "), text(1303), text({"a": 1})
    ('no such model', '1303', '')
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    line = " ".join(str(value)[: 4 * limit].split())
    printable = line if line.isprintable() else "".join(char for char in line if char.isprintable())
    return _KEY.sub(r"\1-***", printable)[:limit]


def first_text(values: Iterable[object]) -> str:
    """Return the first of `values` that is not empty."""
    return next(filter(None, map(text, values)), "")


def identifier(value: object) -> str:
    """Turn a task id into a string; empty when it is none.

    A bare integer is taken digit by digit; a float is refused, for its digits are no longer those of the vendor.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        value = str(value)
    if not isinstance(value, str):
        return ""
    found = value.strip()
    honest = len(found) <= ID_CHARS and found.isprintable() and " " not in found and found.strip(".")
    return found if honest else ""


def moment(value: object) -> datetime | None:
    """Turn Unix seconds or milliseconds, or an ISO 8601 time with an offset, into UTC. Nonsense means "not set"."""
    if isinstance(value, str) and "T" in value[:20]:
        return _iso_moment(value)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        return None
    seconds = value / 1000 if MILLISECONDS_FROM < value < 1000 * LAST_SECOND else value
    return datetime.fromtimestamp(seconds, UTC) if seconds <= LAST_SECOND else None


def _iso_moment(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value.strip())
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def fraction(value: object, top: float) -> float | None:
    """Turn a progress into 0.0-1.0. `top` is what the wire means by finished (100 or 1); `"40%"` says so itself."""
    if isinstance(value, str):
        digits, percent, rest = value.strip().partition("%")
        if not percent or rest or not digits.isascii() or not digits.isdecimal() or len(digits) > 3:
            return None
        value, top = int(digits), 100.0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if value > top:
        top = 100.0  # a fraction cannot pass 1: this vendor counts in percent after all
    return max(0.0, min(value, top) / top)


def beginning(body: bytes) -> str:
    """Return the first characters of a body, fit for a log line."""
    return text(body[: 4 * MESSAGE_CHARS].decode("utf-8", "replace"))
