"""What a key, a link's file name and the fields beside it tell of a clip: resolution, watermark, kind of file.

Names are hints that order the links of a clip; what a file is, its bytes decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

QUALITY_FIELDS = ("quality", "resolution", "definition", "label", "size", "variant", "name")
"""Fields beside a link that may name its resolution."""

_CLIP_KEY = re.compile(
    r"(?:(?:no|without|un)_?watermark(?:ed)?_?|watermark_?free_|origin(?:al)?_|raw_|hd_|sd_|high_|low_|upsample_)?"
    r"(?:video_?|download_?|file_?|result_?|output_?|play_?|resource_?|watermark(?:ed)?_?|wm_?|main_?|mp4_?|webm_?|mov_?"
    r"|signed_?|gcs_?)?(?:video_?)?"
    r"(?:url|uri|link|src|href)(?:_?(?:without|no|with)?_?watermark(?:ed)?|_?hd|_?sd|_?\d{3,4}p|_?[248]k)?"
    r"|video|mp4|webm|mov|\d{3,4}p|[248]k|hd|sd|origin(?:al)?|sample",
    re.I,
)
_VIDEO_KEY = re.compile(r"video|watermark|mp4|webm|hd|\d{3,4}p|[248]k|download", re.I)
_NOT_WATERMARKED = re.compile(r"(?:no|without|un|free)_?(?:of_?)?watermark|watermark_?(?:free|less)", re.I)
_WATERMARKED = re.compile(r"watermark|(?<![a-z])wm(?![a-z])", re.I)
_LINES = re.compile(r"(?<![\da-z])(\d{3,4})p(?![a-z\d])", re.I)
_PIXELS = re.compile(r"(?<!\d)(\d{3,4})[x*](\d{3,4})(?!\d)", re.I)
_LINES_OF_NAME = {"8k": 4320, "4k": 2160, "uhd": 2160, "2k": 1440, "fhd": 1080, "hd": 720, "sd": 480}
_NAMED = re.compile(r"(?<![a-z\d])(8k|4k|uhd|2k|fhd|hd|sd)(?![a-z\d])", re.I)
_VARIANT = re.compile(
    r"[_.-]?(?<![a-z\d])(?:\d{3,4}p|[248]k|uhd|fhd|hd|sd|(?:no_?)?watermark(?:ed)?|wm|original|origin)(?![a-z\d])", re.I
)
_SUFFIX = re.compile(r"\.([a-z0-9]{2,5})$", re.I)
_VIDEO_SUFFIXES = frozenset({"mp4", "m4v", "mov", "webm", "mkv"})
_OTHER_SUFFIXES = frozenset(
    "jpg jpeg png webp gif bmp heic avif mp3 wav aac m4a flac ogg json txt srt vtt zip".split()  # noqa: SIM905 - a list of words
)
_OTHER_TYPE = re.compile(r"image|audio|thumbnail|cover|frame|gif|text|json|subtitle|caption|poster", re.I)
_TYPE_FIELDS = ("type", "content_type", "mime_type", "mimeType", "media_type", "asset_type", "kind")


def is_clip_key(key: str) -> bool:
    """Whether a field of a clip holds a link to it; covers, last frames, previews and sounds are none."""
    return _CLIP_KEY.fullmatch(key) is not None


def names_a_video(key: str) -> bool:
    """Whether a key says that its link leads to a video, and not just somewhere."""
    return _VIDEO_KEY.search(key) is not None


def is_watermarked(marks: str, *, flag: bool = False) -> bool:
    """Whether a key and a file name say that the clip is watermarked; `flag` is what a field says."""
    return not _NOT_WATERMARKED.search(marks) and (flag or _WATERMARKED.search(marks) is not None)


def lines_of(mark: str) -> int:
    """Return the lines that a mark like `1080p`, `1920x1080`, `4k` or `hd` names, else 0.

    >>> lines_of("video_url_1080p"), lines_of("1280x720"), lines_of("4K"), lines_of("boat")
    (1080, 720, 2160, 0)
    """
    spaced = mark.replace("_", " ")
    if found := _LINES.search(spaced):
        return int(found.group(1))
    if found := _PIXELS.search(spaced):
        return min(int(found.group(1)), int(found.group(2)))
    named = _NAMED.search(spaced)
    return _LINES_OF_NAME[named.group(1).casefold()] if named else 0


def suffix_of(location: str) -> str:
    """Return the suffix of a link's file name in lower case, empty where it has none."""
    found = None if location.startswith("data:") else _SUFFIX.search(_path(location).rpartition("/")[2])
    return found.group(1).casefold() if found else ""


def is_other_medium(location: str) -> bool:
    """Whether a link's name says that it is a picture, a sound or a text."""
    return suffix_of(location) in _OTHER_SUFFIXES


def is_other_type(fields: Mapping[str, Any]) -> bool:
    """Whether an object says of itself that it is a picture, a sound or a text."""
    media_types = " ".join(kind for field in _TYPE_FIELDS if isinstance(kind := fields.get(field), str))
    return "video" not in media_types.casefold() and _OTHER_TYPE.search(media_types) is not None


def bare_name(location: str) -> str:
    """Return a link without its suffix and marks of quality: equal for the alternatives of one clip.

    >>> bare_name("https://c.example/boat_1080p.mp4?s=1") == bare_name("https://c.example/boat_720p.mp4?s=2")
    True
    """
    if location.startswith("data:"):
        return location
    path, suffix = _path(location), suffix_of(location)
    if suffix not in _VIDEO_SUFFIXES:
        return location
    head, slash, name = path[: -len(suffix) - 1].rpartition("/")
    return head + slash + _VARIANT.sub("", name)


def _path(location: str) -> str:
    return location.partition("#")[0].partition("?")[0]
