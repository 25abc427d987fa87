"""Brings a decoded image to 8-bit sRGB, with or without transparency. Pure."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_MODES_OF_PROFILE = {"RGB ": "RGB", "CMYK": "CMYK", "GRAY": "L", "Lab ": "LAB"}
_WHITE = "#ffffff"


def to_srgb(image: Image.Image) -> Image.Image:
    """The image as RGB, or RGBA if a pixel may be transparent, converted from its own colour profile."""
    profile = image.info.get("icc_profile")
    if image.mode[:1] in ("I", "F"):
        image = _eight_bits(image)
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    if alpha is not None and alpha.getextrema() == (255, 255):
        alpha = None
    opaque = image.convert("L" if image.mode in ("1", "LA", "La") else "RGB") if image.mode in _INDIRECT else image
    result = _through_profile(opaque, profile) if profile or opaque.mode == "LAB" else opaque
    if result.mode != "RGB":  # convert would copy
        result = result.convert("RGB")
    if alpha is not None:
        result = result.convert("RGB")
        result.putalpha(alpha)
    return result


_INDIRECT = frozenset({"1", "P", "PA", "LA", "La", "RGBA", "RGBa", "RGBX", "HSV", "YCbCr"})
"""Modes that are brought to L or RGB before a profile applies."""


def on_background(image: Image.Image, colour: str) -> Image.Image:
    """The image on a colour; white if none is given."""
    from PIL import Image

    canvas = Image.new("RGBA", image.size, colour or _WHITE)
    canvas.alpha_composite(image.convert("RGBA"))
    return canvas.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, which Pillow would clip to white. Floats are from 0 to 1, or else from 0 to 255."""
    if image.mode == "F":
        highest = image.getextrema()[1]
        factor = 255.0 if isinstance(highest, float) and highest <= 1.0 else 1.0
        return image.point(lambda level: level * factor).convert("L")
    return image.convert("I").point(lambda level: level * (1 / 256)).convert("L")


def _through_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image in sRGB; a profile that is broken or of other channels is ignored."""
    from PIL import ImageCms

    srgb = ImageCms.createProfile("sRGB")
    try:
        if profile:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if _MODES_OF_PROFILE.get(own.profile.xcolor_space) != image.mode:
                return image.convert("RGB")
        else:
            own = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        converted = ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image.convert("RGB")
    return converted if converted is not None else image.convert("RGB")
