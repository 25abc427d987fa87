"""Makes a vendor's text safe for files, tables and terminals: no signed link, no control character. Pure."""

from __future__ import annotations

import re

MAX_MESSAGE_CHARS = 600

_QUERY = re.compile(r"(https?:(?:\\?/){2}[^\s?#\"'<>]+)[?#][^\s\"'<>]+", re.IGNORECASE)


def redact(text: str) -> str:
    """The text on one line, links without their queries: anyone can use a signed link."""
    plain = "".join(c if c.isprintable() else " " for c in strip_queries(text)).strip()
    return plain if len(plain) <= MAX_MESSAGE_CHARS else plain[: MAX_MESSAGE_CHARS - 3] + "..."


def strip_queries(text: str) -> str:
    """The text with the query of each link replaced by `?...`."""
    return _QUERY.sub(r"\1?...", text)
