"""Image bytes to image bytes: upright, and fitted to a wanted size. Pure; knows no file and no job."""

from __future__ import annotations

import io
from typing import Any

JPEG_QUALITY = 95  # what is encoded anew is not to be seen
_SAVED_AS: dict[str, tuple[str, dict[str, Any]]] = {
    "image/jpeg": ("JPEG", {"quality": JPEG_QUALITY, "subsampling": 0}),
    "image/png": ("PNG", {}),
    "image/webp": ("WEBP", {"lossless": True}),
}


def fitted(data: bytes, media_type: str, *, fit: str = "", pixels: tuple[int, int] | None = None) -> bytes:
    """The image, turned upright and, where `pixels` are given, made exactly so wide and high; of the same type.

    `cover` fills the frame and crops the middle, `contain` shows all of it on black, `stretch` distorts.
    """
    from PIL import Image, ImageOps  # late: most runs send images as they are

    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16-bit grey, which Pillow would clip to white
        upright = upright.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    made = upright.convert("RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB")
    if pixels and fit == "cover":
        made = ImageOps.fit(made, pixels, Image.Resampling.LANCZOS)
    elif pixels and fit == "contain":
        made = ImageOps.pad(made, pixels, Image.Resampling.LANCZOS)
    elif pixels:
        made = made.resize(pixels, Image.Resampling.LANCZOS)
    kind, options = _SAVED_AS[media_type]
    out = io.BytesIO()
    made.save(out, kind, icc_profile=upright.info.get("icc_profile"), **options)
    return out.getvalue()
