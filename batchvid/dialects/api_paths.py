"""What the paths of each wire format begin with, so that an address may be written with or without it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from types import MappingProxyType

from batchvid.dialects import kling, newapi, openai_videos, xai

_VIDEOS = (openai_videos.PATH,)
API_PATHS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "veo": _VIDEOS,
        "openai-videos": _VIDEOS,
        "seedance": _VIDEOS,
        "videos": _VIDEOS,
        "kling": tuple(f"/v1/videos/{kind}" for kind in kling.SUPPORTED),
        "runway": ("/v1/image_to_video", "/v1/tasks"),
        "xai": (*xai.PATHS.values(), "/v1/videos"),
        "gateway": _VIDEOS,
        "newapi": (newapi.PATH,),
    }
)
"""The paths of each dialect below its prefix, without a task's id: `/v1/videos`, `/v1/tasks`."""


def without_api_path(path: str, dialects: Iterable[str]) -> str:
    """The path without the end that every path of one of these dialects begins with.

    >>> without_api_path("/api/v1/", ["openai-videos"]), without_api_path("/v1/videos", ["openai-videos"])
    ('/api', '')
    """
    path = path.rstrip("/")
    starts = {start for dialect in dialects for whole in API_PATHS[dialect] for start in _starts(whole)}
    return path.removesuffix(max((start for start in starts if path.endswith(start)), key=len, default=""))


def _starts(path: str) -> Iterable[str]:
    """`/v1` and `/v1/videos` of `/v1/videos`."""
    return accumulate(f"/{segment}" for segment in path.strip("/").split("/"))
