"""What the paths of each wire format begin with, so that an address may be written with or without it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from batchvid.dialects import DIALECTS


def without_api_path(path: str, dialects: Iterable[str]) -> str:
    """The path without the end that every path of one of these dialects begins with.

    >>> without_api_path("/api/v1/", ["openai-videos"]), without_api_path("/v1/videos", ["openai-videos"])
    ('/api', '')
    """
    path = path.rstrip("/")
    starts = {start for dialect in dialects for whole in DIALECTS[dialect].api_paths for start in _starts(whole)}
    return path.removesuffix(max((start for start in starts if path.endswith(start)), key=len, default=""))


def _starts(path: str) -> Iterable[str]:
    """`/v1` and `/v1/videos` of `/v1/videos`."""
    return accumulate(f"/{segment}" for segment in path.strip("/").split("/"))
