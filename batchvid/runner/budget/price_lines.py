"""The lines of `batchvid.toml` that give a model a price. Pure."""

from __future__ import annotations

import json
import re

EXAMPLE = 'price = { usd_per_s = N }  # N: US dollars; or { usd_per_clip = N }, or "free"'
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def price_lines(provider: str, model: str) -> str:
    """Two lines for `batchvid.toml`; N is for the user to fill in.

    >>> price_lines("office", "Wan-AI/Wan2.2").splitlines()[0]
    '[providers.office.models."Wan-AI/Wan2.2"]'
    """
    return f"[providers.{_key(provider)}.models.{_key(model)}]\n{EXAMPLE}"


def _key(name: str) -> str:
    """A name as a key of TOML: bare, or as a string, whose escapes are those of JSON."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")
