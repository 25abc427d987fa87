"""Decides how the pictures of a clip are changed before they are sent, and what the plan says about unusual ones. Pure.

The manifest's `convert`, `fit` and `background` decide; what a vendor takes is known to planning only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from batchvid.domain.clip_request import SENT_TYPES, Convert, ImageRef, ImageRole
from batchvid.manifest.expansion.image_files import ImageFile
from batchvid.manifest.expansion.image_reading import ANIMATED

WHITE = "#ffffff"
_KINDS = {"image/heic": "HEIC", "image/avif": "AVIF", "image/tiff": "TIFF", "image/gif": "GIF", "image/bmp": "BMP"}

_NOT_SENT = frozenset({".heic", ".heif", ".avif", ".tif", ".tiff", ".bmp", ".gif", ".svg", ".psd"})
"""Endings of links to files that no vendor takes; what is behind a link is not read here."""


def image_ref(
    image: ImageFile, role: ImageRole, *, convert: bool = False, fit: str = "", background: str = ""
) -> ImageRef:
    """The image as it is requested. Raises ValueError for a type that no vendor takes.

    A picture that cannot be sent needs `convert` or `fit`. Any other one is converted where the vendor does not take
    it, and with `convert` also to change its colours, or to send one frame only.
    """
    picture = image.picture
    if not image.sha256:
        return ImageRef(role=role, source=image.source)
    if picture.media_type not in SENT_TYPES and not (convert or fit):
        kind = _KINDS[picture.media_type]
        raise ValueError(f"is {kind}, which vendors do not take: write convert: true, and it is sent as JPEG")
    is_unusual = bool(picture.colours or picture.profile or picture.frames)
    is_laid = bool(background) and picture.transparent
    is_needed = picture.media_type not in SENT_TYPES or is_laid or (convert and is_unusual)
    mode: Convert = "needed" if is_needed else "allowed" if convert or fit else ""
    has_bars = fit == "contain" and role != "reference"
    return ImageRef(
        role=role,
        source=image.source,
        sha256=image.sha256,
        media_type=picture.media_type,
        size_bytes=image.size_bytes,
        width=picture.width,
        height=picture.height,
        turned=picture.turned,
        convert=mode,
        background=background if has_bars or (is_laid and background != WHITE) else "",
    )


def notes(image: ImageFile, ref: ImageRef, *, background: str) -> Iterator[str]:
    """What the plan says about the picture, without its name: pictures with the same note share a line."""
    picture = image.picture
    suffix = PurePosixPath(urlsplit(image.source).path).suffix.casefold() if not image.sha256 else ""
    if suffix in _NOT_SENT:
        yield f"is a link to a {suffix} file, which vendors refuse: download it, and write convert: true"
    if picture.frames:
        one = "the first frame" if picture.frames == ANIMATED else "the main picture"
        is_one = ref.convert == "needed"
        what = f"only {one} is sent" if is_one else f"vendors use {one} or refuse it; convert: true sends {one}"
        yield f"is {picture.frames}: {what}"
    if picture.transparent and not background:
        if ref.convert == "needed":
            yield "is transparent, and is sent on white: background: black sets another colour"
        else:
            otherwise = ", and on white otherwise" if ref.convert else ""
            yield f"is transparent, and is sent so if the vendor takes it{otherwise}: background: white sets a colour"
    if picture.colours and ref.convert != "needed":
        yield f"has {picture.colours}, which vendors may show wrongly: convert: true sends it as sRGB"
