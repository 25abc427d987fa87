"""Converts the vendors' sizes to pixels that H.264 supports. Pure arithmetic."""

from __future__ import annotations

import re
from collections.abc import Container

MAX_SIDE = 4096
MIN_SIDE = 64
_PAIR = re.compile(r"(\d{1,5})\s*[x:*]\s*(\d{1,5})")
_TIER = re.compile(r"(\d{3,4})p", re.IGNORECASE)


def pair(text: str) -> tuple[int, int] | None:
    """Two numbers written `1280x720`, `1280:720` or `16:9`; None for other texts."""
    found = _PAIR.fullmatch(text.strip())
    return (int(found[1]), int(found[2])) if found and int(found[1]) and int(found[2]) else None


def tier(text: str) -> int | None:
    """The shorter side of `720p`; None for other texts."""
    found = _TIER.fullmatch(text.strip())
    return int(found[1]) if found else None


def frame(width: int, height: int, *, shorter: int) -> tuple[int, int] | None:
    """The frame in pixels: the numbers, or their ratio applied to a shorter side; None when too large or extreme."""
    if min(width, height) < MIN_SIDE:
        return fitted(width, height, shorter=shorter)
    if max(width, height) > MAX_SIDE:
        return None
    return width // 2 * 2, height // 2 * 2


def fitted(width: int, height: int, *, shorter: int) -> tuple[int, int] | None:
    """The ratio of two numbers applied to a shorter side in pixels, both sides even; None when it is too extreme."""
    longer = 2 * round(shorter * max(width, height) / min(width, height) / 2)
    if longer > MAX_SIDE:
        return None
    return (longer, shorter // 2 * 2) if width >= height else (shorter // 2 * 2, longer)


def ratio_pixels(ratio: str, allowed: Container[str], shorter: int | None) -> tuple[int, int] | None:
    """One of the allowed ratios applied to a shorter side in pixels; None for other ratios or no side."""
    sides = pair(ratio) if ratio in allowed else None
    return fitted(*sides, shorter=shorter) if sides and shorter else None
