"""The lines of `batchvid.toml` that give a model a price. Pure."""

from __future__ import annotations

import json
import re

BY_SECOND = 'price = { usd_per_s = N }  # N: US dollars; or { usd_per_clip = N }, or "free"'
BY_CLIP = 'price = { usd_per_clip = N }  # N: US dollars; or "free"; a price per second needs duration_s'
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def price_lines(provider: str, model: str, seconds: float | None) -> str:
    """Two lines for `batchvid.toml`; N is for the user to fill in. `seconds` is the length that is bought, if known.

    >>> price_lines("office", "Wan-AI/Wan2.2", 5.0).splitlines()[0]
    '[providers.office.models."Wan-AI/Wan2.2"]'
    """
    example = BY_CLIP if seconds is None else BY_SECOND
    return f"[providers.{_key(provider)}.models.{_key(model)}]\n{example}"


def _key(name: str) -> str:
    """A name as a key of TOML: bare, or as a string, whose escapes are those of JSON."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")
