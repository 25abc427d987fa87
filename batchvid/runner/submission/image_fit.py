"""Encodes an image as a vendor takes it: upright, in sRGB, of a size in pixels and bytes. Bytes to bytes.

The same bytes come out every time, and no metadata: a photo's place stays here. Pure; knows no file and no job.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from batchvid.manifest.expansion.image_reading import open_picture
from batchvid.planning.image_preparation import JPEG, Preparation, shrunk
from batchvid.runner.submission.image_colours import on_background, to_srgb

if TYPE_CHECKING:
    from PIL import Image

QUALITIES = (95, 90, 85, 80, 70, 60, 50)
"""JPEG qualities, the first that is small enough: at 95 the second encoding is invisible."""
QUALITIES_OF_SMALLER = (80, 60, 50)
FAR_ABOVE = 2  # times the limit: the next quality is not tried
SMALLER = 0.8  # the next size of an image that is too large at the lowest quality
MIN_SIDE_PX = 300  # the smallest that a vendor with a limit of bytes takes (Kling)

_SAVE_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "image/png": ("PNG", {}),
    "image/webp": ("WEBP", {"lossless": True}),
}


class Encoded(NamedTuple):
    """The bytes that are sent, with their type and pixels."""

    data: bytes
    media_type: str
    width: int
    height: int


def encode_image(data: bytes, preparation: Preparation) -> Encoded:
    """The image as the preparation says. Raises ValueError when it cannot be made small enough.

    `cover` fills the frame and crops the edges, `contain` shows the whole image with bars, `stretch` distorts.
    """
    from PIL import ImageOps  # late: most runs send images unchanged

    with open_picture(data) as opened:
        opened.load()
        ImageOps.exif_transpose(opened, in_place=True)  # a copy of 100 million pixels would take 400 MB
        image = to_srgb(opened)
    is_opaque = image.mode == "RGB"
    if not is_opaque and (preparation.background or preparation.media_type == JPEG):
        image = on_background(image, preparation.background)
    image = _fitted(image, preparation)
    limit = preparation.max_bytes
    if preparation.media_type != JPEG:
        file_format, options = _SAVE_OPTIONS[preparation.media_type]
        made = _saved(image, file_format, **options)
        if limit is None or len(made) <= limit or not preparation.may_change_type:
            return Encoded(made, preparation.media_type, *image.size)
        if image.mode != "RGB":
            image = on_background(image, preparation.background)
    for smaller in _sizes(image, is_fixed=preparation.pixels is not None):
        small = _jpeg(smaller, QUALITIES if smaller is image else QUALITIES_OF_SMALLER, limit)
        if small is not None:
            return Encoded(small, JPEG, *smaller.size)
    raise ValueError(f"cannot be made smaller than {limit} bytes")


def _jpeg(image: Image.Image, qualities: tuple[int, ...], limit: int | None) -> bytes | None:
    """The JPEG of the first quality that is small enough, None if none is."""
    made = b""
    for quality in qualities:
        if limit is not None and quality != qualities[-1] and len(made) > FAR_ABOVE * limit:
            made = b""
            continue
        made = _saved(image, "JPEG", quality=quality, subsampling=0)
        if limit is None or len(made) <= limit:
            return made
    return None


def _fitted(image: Image.Image, preparation: Preparation) -> Image.Image:
    from PIL import Image, ImageOps

    pixels = preparation.pixels or shrunk(image.size, preparation.max_side_px)
    if preparation.pixels and preparation.fit == "cover":
        return ImageOps.fit(image, pixels, Image.Resampling.LANCZOS)
    if preparation.pixels and preparation.fit == "contain":
        return ImageOps.pad(image, pixels, Image.Resampling.LANCZOS, color=preparation.background or None)
    return image if image.size == pixels else image.resize(pixels, Image.Resampling.LANCZOS)


def _sizes(image: Image.Image, *, is_fixed: bool) -> Iterator[Image.Image]:
    """The image, and unless its pixels are fixed smaller ones."""
    from PIL import Image

    yield image
    width, height = image.size
    while not is_fixed and min(width, height) * SMALLER >= MIN_SIDE_PX:
        width, height = int(width * SMALLER), int(height * SMALLER)
        yield image.resize((width, height), Image.Resampling.LANCZOS)


def _saved(image: Image.Image, file_format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()
