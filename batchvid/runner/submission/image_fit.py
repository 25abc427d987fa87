"""Turns an image upright and fits it to a size, bytes to bytes. Pure; knows no file and no job."""

from __future__ import annotations

import io
from typing import Any

JPEG_QUALITY = 95  # high enough that the second encoding is invisible
_SAVE_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "image/jpeg": ("JPEG", {"quality": JPEG_QUALITY, "subsampling": 0}),
    "image/png": ("PNG", {}),
    "image/webp": ("WEBP", {"lossless": True}),
}


def fit_image(data: bytes, media_type: str, *, fit: str = "", pixels: tuple[int, int] | None = None) -> bytes:
    """The image upright and, with `pixels`, exactly of that width and height; of the same type.

    `cover` fills the frame and crops the edges, `contain` shows the whole image on black, `stretch` distorts.
    """
    from PIL import Image, ImageOps  # late: most runs send images unchanged

    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16-bit grey, which Pillow would clip to white
        upright = upright.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    result = upright.convert("RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB")
    if pixels and fit == "cover":
        result = ImageOps.fit(result, pixels, Image.Resampling.LANCZOS)
    elif pixels and fit == "contain":
        result = ImageOps.pad(result, pixels, Image.Resampling.LANCZOS)
    elif pixels:
        result = result.resize(pixels, Image.Resampling.LANCZOS)
    file_format, options = _SAVE_OPTIONS[media_type]
    out = io.BytesIO()
    result.save(out, file_format, icc_profile=upright.info.get("icc_profile"), **options)
    return out.getvalue()
