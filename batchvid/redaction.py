"""Makes a vendor's words fit for files, tables and terminals: no signed link, control character or formula. Pure."""

from __future__ import annotations

import re

MAX_MESSAGE_CHARS = 600

_QUERY = re.compile(r"(https?:(?:\\?/){2}[^\s?#\"'<>]+)[?#][^\s\"'<>]+", re.IGNORECASE)


def redact(text: str) -> str:
    """The text on one line, links without their queries (a signed link is worth money to whoever reads it)."""
    plain = "".join(c if c.isprintable() else " " for c in strip_queries(text)).strip()
    return plain if len(plain) <= MAX_MESSAGE_CHARS else plain[: MAX_MESSAGE_CHARS - 3] + "..."


def strip_queries(text: str) -> str:
    """The text with the query of every link in it cut to `?...`."""
    return _QUERY.sub(r"\1?...", text)
