"""From the vendors' size words to pixels that H.264 can hold. Pure arithmetic; it must not know who asked."""

from __future__ import annotations

import re

LONGEST_SIDE = 4096
SHORTEST_SIDE = 64
_PAIR = re.compile(r"(\d{1,5})\s*[x:*]\s*(\d{1,5})")
_TIER = re.compile(r"(\d{3,4})p", re.IGNORECASE)


def pair(text: str) -> tuple[int, int] | None:
    """Two numbers written `1280x720`, `1280:720` or `16:9`; None when it is neither."""
    found = _PAIR.fullmatch(text.strip())
    return (int(found[1]), int(found[2])) if found and int(found[1]) and int(found[2]) else None


def tier(text: str) -> int | None:
    """The shorter side of `720p`; None when it is not written so."""
    found = _TIER.fullmatch(text.strip())
    return int(found[1]) if found else None


def frame(width: int, height: int, *, shorter: int) -> tuple[int, int] | None:
    """The frame in pixels, both sides even: as it is when it is one, or the ratio laid on a shorter side.

    None when it is larger than any vendor's, or a ratio too extreme to be a picture.
    """
    if min(width, height) < SHORTEST_SIDE:
        return fitted(width, height, shorter=shorter)
    if max(width, height) > LONGEST_SIDE:
        return None
    return width // 2 * 2, height // 2 * 2


def fitted(width: int, height: int, *, shorter: int) -> tuple[int, int] | None:
    """The ratio of two numbers laid on a shorter side in pixels, both sides even; None when it is too extreme."""
    longer = 2 * round(shorter * max(width, height) / min(width, height) / 2)
    if longer > LONGEST_SIDE:
        return None
    return (longer, shorter // 2 * 2) if width >= height else (shorter // 2 * 2, longer)
