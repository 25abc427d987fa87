"""Finds the clips that a finished task offers: every output, and for each its links, the best one first.

The field names are those of the vendors' documents (docs/wire-notes.md 3.6) and of relays. media_names.py reads what
a name tells of a link. It knows no phase.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import identifier, text
from batchvid.dialects.common.links import asset_of
from batchvid.dialects.common.media_names import (
    QUALITY_FIELDS,
    bare_name,
    is_clip_key,
    is_other_medium,
    is_other_type,
    is_watermarked,
    lines_of,
    names_a_video,
    suffix_of,
)
from batchvid.domain.wire import Asset

PLACES: tuple[str, ...] = (
    "result_url",  # task wrapper
    "task_result",  # Kling: {"videos": [...]}
    "output",  # Runway, Replicate: one or a list; Luma: [{"url"}]
    "outputs",  # WaveSpeed, Kling's new wire
    "video_url",  # CometAPI, gateways
    "video_urls",
    "video",  # xAI, fal: {"url"}
    "videos",  # Vertex: [{"gcsUri" | "bytesBase64Encoded"}]
    "content",  # Ark: {"video_url"}
    "url",
    "urls",  # OpenRouter's signed links; SGLang
    "unsigned_urls",  # OpenRouter: its content route
    "creations",  # Vidu
    "generatedVideos",  # google-genai
    "generatedSamples",  # Veo
    "generated_videos",
    "result_urls",
    "resultUrls",  # kie.ai
    "resultJson",  # kie.ai: JSON in a string
    "assets",  # Luma
    "file",  # MiniMax: {"download_url"}
    "files",
    "results",
    "download_url",
    "downloadUrl",
    "videoUrl",
    "uri",
    "metadata",  # stock new-api: {"url"}
    "result",
    "data",  # a list: [{"url"}]
)
"""Where result links stand in each layer of a reply, in order. Old wrappers use `fail_reason`, see `find_assets`."""

_PLACES = frozenset(PLACES)
_DEPTH = 6


@dataclass(frozen=True, slots=True)
class _Link:
    """One link to a clip, with what its name and the fields beside it tell."""

    asset: Asset
    is_watermarked: bool = False
    lines: int = 0

    @property
    def rank(self) -> tuple[bool, bool, int, bool]:
        """The order in which to try the links of one clip; smaller is better."""
        location = self.asset.location
        return (
            is_other_medium(location),
            self.is_watermarked,
            -self.lines,
            suffix_of(location) not in ("", "mp4", "m4v"),
        )


_Clip = list[_Link]
"""The links of one clip."""


def find_assets(layers: Sequence[Mapping[str, Any]], content_path: str = "") -> tuple[Asset, ...]:
    """Collect every result link of a finished task: all clips, and for each clip its links, the best one first.

    `content_path` is a keyed route that offers the (first) clip, empty where there is none. Old wrappers put the link
    of a successful task into `fail_reason`: it comes last.
    """
    offers = [_clips(layer.get(place), place) for layer in layers for place in PLACES]
    offers += [_clips(value, key) for layer in layers for key, value in layer.items() if _is_named_link(key, value)]
    offers += [_clips(layer.get("fail_reason"), "url") for layer in layers]
    links = [found for clips in offers for clip in clips for found in clip]
    if content_path or not all(is_other_medium(found.asset.location) for found in links):
        offers = [_without_other_media(clips) for clips in offers]
    clips = [sorted(clip, key=lambda found: found.rank) for clip in _merge(offers)]
    assets = [replace(found.asset, output=number) for number, clip in enumerate(clips, 1) for found in clip]
    content = [Asset(location=content_path, keyed=True)] if content_path else []
    first = [asset for asset in assets if asset.output == 1]
    return (*first, *content, *assets[len(first) :])


def _is_named_link(key: str, value: object) -> bool:
    """Whether a layer's own field is a link to the clip under a name outside PLACES, like `hd_video_url`."""
    return isinstance(value, str) and key not in _PLACES and is_clip_key(key) and names_a_video(key)


def _clips(value: object, key: str, depth: int = _DEPTH) -> list[_Clip]:
    """Read a result field: the links of each clip in it."""
    if not depth:
        return []
    if isinstance(value, list):
        return _clips_of_list(value, key, depth)
    if isinstance(value, dict):
        return _clips_of_object(value, depth) if key != "data" or depth < _DEPTH else []
    if isinstance(value, str) and value.lstrip().startswith("{"):
        return _clips(parse(value), key, depth - 1)
    asset = asset_of(value)
    return [[_describe(asset, key)]] if asset else []


def _clips_of_list(values: Sequence[object], key: str, depth: int) -> list[_Clip]:
    """Each item is a clip, but items that differ only in quality, watermark or container are one."""
    found = [(value, clip) for value in values for clip in _clips(value, key, depth - 1)]
    if _are_qualities_of_one([value for value, _ in found]):
        return [[link for _, clip in found for link in clip]]
    clips: list[_Clip] = []
    names: dict[str, int] = {}
    for value, clip in found:
        task_id = identifier(value.get("id")) if isinstance(value, dict) else ""
        name = task_id or bare_name(clip[0].asset.location)
        at = names.get(name)
        if at is None or _same_file(clips[at], clip):
            names[name] = len(clips)
            clips.append(clip)
        else:
            clips[at] += clip
    return clips


def _are_qualities_of_one(values: Sequence[object]) -> bool:
    """Whether the items of a list name each another resolution, or one is watermarked: then they are one clip."""
    objects = [value for value in values if isinstance(value, dict)]
    if len(objects) != len(values) or len(objects) < 2 or len({identifier(item.get("id")) for item in objects}) > 1:
        return False
    lines = [max(lines_of(text(item.get(field))) for field in QUALITY_FIELDS) for item in objects]
    flags = {item.get("watermark") for item in objects if isinstance(item.get("watermark"), bool)}
    return (all(lines) and len(set(lines)) == len(lines)) or (len(objects) == 2 and len(flags) == 2)


def _same_file(clip: _Clip, other: _Clip) -> bool:
    """Whether two links differ only in their query: then the query tells the clips apart."""
    paths = {link.asset.location.partition("?")[0] for link in clip}
    return any(link.asset.location.partition("?")[0] in paths for link in other)


def _clips_of_object(value: Mapping[str, Any], depth: int) -> list[_Clip]:
    """Read one object: its own links are one clip; lists and objects inside it are further places."""
    if is_other_type(value):
        return []
    own = [
        _describe(asset, key, value)
        for key, inner in value.items()
        if is_clip_key(key) and isinstance(inner, str) and (asset := asset_of(inner))
    ]
    encoded = value.get("bytesBase64Encoded") or value.get("videoBytes")  # Vertex, google-genai
    if isinstance(encoded, str) and encoded:
        media_type = text(value.get("mimeType")) or "video/mp4"
        own.append(_Link(Asset(location=f"data:{media_type};base64,{encoded}")))
    inside = [
        _clips(inner, key, depth - 1)
        for key, inner in value.items()
        if (key in _PLACES or is_clip_key(key)) and isinstance(inner, (dict, list))
    ]
    inside += [_clips(inner, key, depth - 1) for key, inner in value.items() if key == "resultJson"]
    return _merge([[own] if own else [], *inside])


def _describe(asset: Asset, key: str, fields: Mapping[str, Any] | None = None) -> _Link:
    """Read watermark and resolution out of a link's name, its key and the fields beside it."""
    name = "" if asset.location.startswith("data:") else asset.location.partition("?")[0].rpartition("/")[2]
    qualities = [text(fields.get(field)) for field in QUALITY_FIELDS] if fields else []
    height = fields.get("height") if fields else None
    lines = height if isinstance(height, int) and not isinstance(height, bool) else 0
    return _Link(
        asset,
        is_watermarked(f"{key} {name}", flag=bool(fields) and fields.get("watermark") is True if fields else False),
        max([lines, *(lines_of(mark) for mark in (key, *qualities, name))]),
    )


def _without_other_media(clips: Iterable[_Clip]) -> list[_Clip]:
    kept = ([found for found in clip if not is_other_medium(found.asset.location)] for clip in clips)
    return [clip for clip in kept if clip]


def _merge(offers: Iterable[list[_Clip]]) -> list[_Clip]:
    """Join what several places offer: the longest list says which clips there are; the others, position by position."""
    merged: list[_Clip] = []
    for clips in sorted(offers, key=len, reverse=True):
        for number, clip in enumerate(clips):
            seen = {found.asset.location for known in merged for found in known}
            fresh = list({found.asset.location: found for found in clip if found.asset.location not in seen}.values())
            if number < len(merged):
                merged[number] += fresh
            elif fresh:
                merged.append(fresh)
    return merged
