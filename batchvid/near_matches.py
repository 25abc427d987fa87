"""Names that are probably meant: at most five, for every message that has to suggest one. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

MAX_SUGGESTIONS = 5
MAX_COMPARED = 2_000  # names; comparing more would take seconds
CUTOFF = 0.6  # of difflib; below it the names have little in common


def near_matches(word: str, names: Iterable[str], *, limit: int = MAX_SUGGESTIONS, cutoff: float = CUTOFF) -> list[str]:
    """The names that are like the word, the nearest first. Case and separators do not count: `veo3fast`, `Veo3-Fast`.

    Empty if there are more than MAX_COMPARED names.
    """
    by_key: dict[str, list[str]] = {}
    for name in names:
        by_key.setdefault(_key(name), []).append(name)
        if len(by_key) > MAX_COMPARED:
            return []
    found = difflib.get_close_matches(_key(word), by_key, limit, cutoff)
    return [name for key in found for name in by_key[key]][:limit]


def did_you_mean(word: str, names: Iterable[str], *, limit: int = MAX_SUGGESTIONS) -> str:
    """`did you mean a or b?`, or nothing."""
    near = near_matches(word, names, limit=limit)
    return f"did you mean {' or '.join(near)}?" if near else ""


def _key(name: str) -> str:
    return re.sub(r"[\s._-]+", "", name.casefold())
