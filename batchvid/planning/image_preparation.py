"""How an image is changed before it is sent to this vendor: its type, its size, its background. Pure.

The manifest allows or demands a conversion (ImageRef.convert); the vendor's rules decide where it is only allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from batchvid.dialects.common.image_rules import ImageRules
from batchvid.domain.clip_request import ImageRef
from batchvid.domain.wire import ImageInput

JPEG = "image/jpeg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What is done to an image. `encode` is false for one that is sent byte for byte.

    `pixels` is the exact size of a fitted frame. With `may_change_type` an image that is larger than `max_bytes`
    becomes a JPEG. `background` is the colour behind transparent pixels and in bars.
    """

    media_type: str
    encode: bool = False
    may_change_type: bool = False
    fit: str = ""
    pixels: tuple[int, int] | None = None
    background: str = ""
    max_bytes: int | None = None
    max_side_px: int | None = None


def prepare(image: ImageRef, rules: ImageRules, *, fit: str = "", pixels: tuple[int, int] | None = None) -> Preparation:
    """What is done to this image; frames are fitted to `pixels`."""
    is_frame = pixels is not None and image.role != "reference"
    encodes_anyway = is_frame or image.turned
    is_large = rules.max_bytes is not None and image.size_bytes > rules.max_bytes and not encodes_anyway
    is_wide = rules.max_side_px is not None and max(image.width, image.height) > rules.max_side_px and not is_frame
    converts = image.convert == "needed" or (
        image.convert == "allowed" and (image.media_type not in rules.types or is_large or is_wide)
    )
    return Preparation(
        media_type=JPEG if converts else image.media_type,
        encode=converts or encodes_anyway,
        may_change_type=bool(image.convert),
        fit=fit if is_frame else "",
        pixels=pixels if is_frame else None,
        background=image.background,
        max_bytes=rules.max_bytes,
        max_side_px=rules.max_side_px if image.convert and not is_frame else None,
    )


def image_metadata(image: ImageRef, preparation: Preparation) -> ImageInput:
    """The image of a request, without its bytes: as it is after the preparation, with a size of 0 if it is not known.

    A picture of another type than JPEG that is only turned upright keeps its size: it is not made smaller.
    """
    width, height = preparation.pixels or shrunk((image.width, image.height), preparation.max_side_px)
    is_size_known = not preparation.encode or (
        preparation.media_type != JPEG and not preparation.may_change_type and preparation.pixels is None
    )
    path = PurePosixPath(image.source.replace("\\", "/"))
    is_renamed = preparation.media_type != image.media_type
    return ImageInput(
        role=image.role,
        filename=f"{path.stem}.jpg" if is_renamed else path.name,
        media_type=preparation.media_type,
        url=image.source if image.is_url else "",
        size_bytes=image.size_bytes if is_size_known else 0,
        width=width,
        height=height,
    )


def shrunk(pixels: tuple[int, int], max_side_px: int | None) -> tuple[int, int]:
    """The same shape with no side above the limit."""
    longer = max(pixels)
    if max_side_px is None or longer <= max_side_px:
        return pixels
    width, height = (max(1, side * max_side_px // longer) for side in pixels)
    return width, height
