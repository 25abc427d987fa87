"""The picture of a clip before it moves: an input image, or a landscape seeded by a text. Knows no task."""

from __future__ import annotations

import hashlib
from colorsys import hls_to_rgb
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

HUE_SHIFT = 1 / 3  # hue shift of an edited clip: red becomes green
BORDER_PX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a clip shows."""

    text: str  # the caption
    scene: str = ""  # seeds the landscape
    hue: float = 0.0  # shifts its colours
    images: tuple[Path, ...] = ()  # the first one replaces the landscape
    references: tuple[Path, ...] = ()  # pasted on it like photographs


def backdrop(picture: Picture, size: tuple[int, int], *, sun_side: int) -> tuple[Image.Image, Image.Image | None]:
    """The picture in that size in pixels, and the sun that moves over it (not over an input image)."""
    seed = hashlib.sha256((picture.scene or picture.text).encode()).digest()
    if picture.images:
        with Image.open(picture.images[0]) as image:
            background = ImageOps.fit(image.convert("RGB"), size)
    else:
        background = _landscape(seed, size)
    if picture.hue:
        background = hue_shifted(background, picture.hue)
    _paste(background, picture.references)
    return background, None if picture.images else _sun(seed, sun_side, picture.hue)


def hue_shifted(image: Image.Image, hue: float) -> Image.Image:
    """The image with every hue shifted by that part of the colour circle."""
    shift = round(hue * 256)
    colour, saturation, value = image.convert("HSV").split()
    moved = colour.point([(step + shift) % 256 for step in range(256)])
    return Image.merge("HSV", (moved, saturation, value)).convert("RGB")


def _paste(background: Image.Image, references: tuple[Path, ...]) -> None:
    """Side by side in the upper half, each with a white border."""
    width, height = background.size
    side = max(BORDER_PX, min(height // 3, width * 3 // 4 // max(1, len(references))) - 2 * BORDER_PX)
    for number, path in enumerate(references):
        with Image.open(path) as image:
            photograph = ImageOps.expand(ImageOps.fit(image.convert("RGB"), (side, side)), BORDER_PX, "white")
        background.paste(photograph, (width // 8 + number * photograph.width, height // 8))


def _landscape(seed: bytes, size: tuple[int, int]) -> Image.Image:
    """A sky with a gradient over three hills, all derived from the seed."""
    hue = seed[0] / 256
    sky = Image.composite(
        Image.new("RGB", size, _colour(hue + 0.08, 0.8)),
        Image.new("RGB", size, _colour(hue, 0.35)),
        Image.linear_gradient("L").resize(size),
    )
    draw = ImageDraw.Draw(sky)
    width, height = size
    for number in range(3):
        centre = seed[1 + number] / 256 * width
        top = height * (0.5 + 0.13 * number + seed[4 + number] / 256 * 0.1)
        colour = _colour(hue + 0.3 + 0.05 * number, 0.4 - 0.1 * number)
        draw.ellipse((centre - width * 0.7, top, centre + width * 0.7, top + height * 1.5), fill=colour)
    return sky


def _sun(seed: bytes, side: int, shift: float) -> Image.Image:
    disc = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    ImageDraw.Draw(disc).ellipse((1, 1, side - 2, side - 2), fill=(*_colour(seed[0] / 256 + 0.5 + shift, 0.75), 255))
    return disc


def _colour(hue: float, lightness: float) -> tuple[int, int, int]:
    red, green, blue = hls_to_rgb(hue % 1, lightness, 0.6)
    return round(255 * red), round(255 * green), round(255 * blue)
