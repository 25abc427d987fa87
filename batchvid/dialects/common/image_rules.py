"""What vendors take as a picture: types, bytes, pixels, shape. Each limit has a source; without one there is no limit.

Planning checks the file with them and decides what is converted; a dialect checks what is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from batchvid.dialects.common.request_building import manifest_field
from batchvid.domain.clip_request import SENT_TYPES
from batchvid.domain.wire import ImageInput
from batchvid.errors import Unsupported

_NAMES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRules:
    """The limits of a vendor. None and 0: no limit is known.

    `max_size` is `max_bytes` in the vendor's words, `max_shape` the longer side over the shorter one.
    """

    types: tuple[str, ...] = SENT_TYPES
    max_bytes: int | None = None
    max_size: str = ""
    min_side_px: int = 0
    max_side_px: int | None = None
    max_shape: float | None = None


ANY = ImageRules()
"""No limit is published."""

KLING = ImageRules(
    types=("image/jpeg", "image/png"), max_bytes=10 * 1024 * 1024, max_size="10 MB", min_side_px=300, max_shape=2.5
)  # apidoc.cometapi.com/api/video/kling, image-to-video; Kling's newer pages say 50 MB (wire-notes 3.9)

KLING_NEW = ImageRules(
    types=("image/jpeg", "image/png"), max_bytes=50 * 1024 * 1024, max_size="50 MB", min_side_px=300, max_shape=2.5
)  # Kling's new API pages, image-to-video (wire-notes 13.3)

RUNWAY_DATA_URI_BYTES = 5 * 1024 * 1024  # encoded; docs.dev.runwayml.com/assets/inputs
RUNWAY = ImageRules(
    max_bytes=(RUNWAY_DATA_URI_BYTES - len("data:image/jpeg;base64,")) // 4 * 3, max_size="3.9 MB for a local file"
)

ARK = ImageRules(
    max_bytes=30_000_000 - 1, max_size="30 MB", min_side_px=300, max_side_px=6000, max_shape=2.5
)  # ModelArk's video generation API: less than 30 MB, 300 to 6000 pixels a side, width over height 0.4 to 2.5

MINIMAX = ImageRules(
    max_bytes=30_000_000, max_size="30 MB", min_side_px=256, max_side_px=5760, max_shape=2.5
)  # MiniMax's OpenAPI of V2: 256 to 5760 pixels a side, width over height 0.4 to 2.5
HAILUO = ImageRules(
    max_bytes=20_000_000 - 1, max_size="20 MB", min_side_px=301, max_shape=2.5
)  # MiniMax's V1, image to video: less than 20 MB, more than 300 pixels, shapes from 2:5 to 5:2

DASHSCOPE = ImageRules(
    max_bytes=20_000_000, max_size="20 MB", min_side_px=240, max_side_px=8000, max_shape=8
)  # Model Studio, Wan image to video: 240 to 8000 pixels a side, shapes from 1:8 to 8:1


def check_image(image: ImageInput, rules: ImageRules) -> None:
    """Raise Unsupported, with the picture's name, for the first rule that it breaks. A link is not checked."""
    if image.url:
        return
    problem = _problem(image, rules)
    if problem:
        raise Unsupported(manifest_field(image), f"{image.filename}: {problem}")


def _problem(image: ImageInput, rules: ImageRules) -> str:
    shorter, longer = sorted((image.width, image.height))
    pixels = f"{image.width}x{image.height}"
    if image.media_type not in rules.types:
        return (
            f"{_listed(rules.types)} are allowed, not {image.media_type or 'an unknown type'}: write convert: true, "
            f"and it is sent as JPEG"
        )
    if rules.max_bytes is not None and image.sent_bytes > rules.max_bytes:
        return (
            f"at most {rules.max_size} are allowed, not {image.sent_bytes / 1e6:.1f} MB: write convert: "
            f"true, and it is sent smaller"
        )
    if shorter < rules.min_side_px:
        return f"at least {rules.min_side_px}x{rules.min_side_px} pixels are required, not {pixels}"
    if rules.max_side_px is not None and longer > rules.max_side_px:
        return (
            f"at most {rules.max_side_px} pixels a side are allowed, not {pixels}: write convert: true, and it is sent "
            f"smaller"
        )
    if rules.max_shape is not None and longer > rules.max_shape * shorter:
        shape = f"{rules.max_shape:g}"
        return f"shapes from 1:{shape} to {shape}:1 are allowed, not {pixels}: crop it, or set fit and aspect_ratio"
    return ""


def _listed(types: tuple[str, ...]) -> str:
    *first, last = (_NAMES[media_type] for media_type in types)
    return f"{', '.join(first)} and {last}" if first else last
