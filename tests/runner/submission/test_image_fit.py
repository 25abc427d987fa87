"""Image bytes to image bytes: upright, of the wanted size, of the same type, with nothing cut that should be seen."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from batchvid.runner.submission.image_fit import fit_image

RED, BLUE, BLACK = (255, 0, 0), (0, 0, 255), (0, 0, 0)
TYPES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}


def two_halves(kind: str = "PNG", *, orientation: int = 1, mode: str = "RGB", **options: Any) -> bytes:
    """200x100 pixels, red left and blue right, with an EXIF word on how to hold it."""
    image = Image.new("RGB", (200, 100), RED)
    image.paste(BLUE, (100, 0, 200, 100))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    image.convert(mode).save(out, kind, exif=exif, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    """The pixels."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def colour(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    """One pixel, rounded to full colours: JPEG is not exact."""
    pixel = image.convert("RGB").getpixel((x, y))
    assert isinstance(pixel, tuple)
    return tuple(255 if channel > 127 else 0 for channel in pixel)


@pytest.mark.parametrize("media_type", TYPES)
@pytest.mark.parametrize(
    ("orientation", "size", "first", "last"),
    [
        (3, (200, 100), BLUE, RED),
        (6, (100, 200), RED, BLUE),
        (8, (100, 200), BLUE, RED),
        (2, (200, 100), BLUE, RED),
        (1, (200, 100), RED, BLUE),
    ],
)
def test_a_turned_picture_is_sent_upright(
    media_type: str, orientation: int, size: tuple[int, int], first: tuple[int, ...], last: tuple[int, ...]
) -> None:
    """Vendors do not read EXIF: what people see is what is sent, and the word on how to hold it is gone."""
    image = opened(fit_image(two_halves(TYPES[media_type], orientation=orientation), media_type))
    assert image.size == size
    assert image.format == TYPES[media_type]
    assert (colour(image, 5, 5), colour(image, size[0] - 5, size[1] - 5)) == (first, last)
    assert image.getexif().get(0x0112) in (None, 1)


@pytest.mark.parametrize("media_type", TYPES)
@pytest.mark.parametrize(
    ("fit", "corner", "left", "right"),
    [("cover", RED, RED, BLUE), ("contain", BLACK, RED, BLUE), ("stretch", RED, RED, BLUE)],
)
def test_each_fit_gives_the_exact_size(
    media_type: str, fit: str, corner: tuple[int, ...], left: tuple[int, ...], right: tuple[int, ...]
) -> None:
    """Cover and stretch fill the frame, contain leaves black above; the middle stays the middle."""
    image = opened(fit_image(two_halves(TYPES[media_type]), media_type, fit=fit, pixels=(90, 160)))
    assert (image.size, image.format) == ((90, 160), TYPES[media_type])
    assert colour(image, 2, 2) == corner
    assert (colour(image, 20, 80), colour(image, 70, 80)) == (left, right)


def test_cover_crops_and_stretch_does_not() -> None:
    """Of a picture with a stripe at its edge, cover to a narrower frame loses the stripe, stretch keeps it."""
    picture = Image.new("RGB", (300, 100), RED)
    picture.paste(BLUE, (0, 0, 40, 100))
    out = io.BytesIO()
    picture.save(out, "PNG")
    assert colour(opened(fit_image(out.getvalue(), "image/png", fit="cover", pixels=(100, 100))), 2, 50) == RED
    assert colour(opened(fit_image(out.getvalue(), "image/png", fit="stretch", pixels=(100, 100))), 2, 50) == BLUE


def test_a_turned_picture_is_fitted_as_it_is_seen() -> None:
    """The turn comes first: a portrait photograph fills a portrait frame without a crop."""
    image = opened(fit_image(two_halves("JPEG", orientation=6), "image/jpeg", fit="contain", pixels=(50, 100)))
    assert (colour(image, 25, 5), colour(image, 25, 95)) == (RED, BLUE)


@pytest.mark.parametrize("mode", ["P", "L", "LA", "RGBA", "1"])
def test_every_kind_of_png_can_be_fitted(mode: str) -> None:
    """Palettes, greys and transparency are no obstacle."""
    assert opened(fit_image(two_halves(mode=mode), "image/png", fit="cover", pixels=(64, 64))).size == (64, 64)


def test_a_grey_of_sixteen_bits_keeps_its_shade() -> None:
    """A scan in fine greys does not become a white sheet."""
    out = io.BytesIO()
    Image.new("I;16", (64, 64), 0x4000).save(out, "PNG")
    image = opened(fit_image(out.getvalue(), "image/png", fit="cover", pixels=(32, 32)))
    assert image.convert("RGB").getpixel((5, 5)) == (0x40, 0x40, 0x40)


def test_a_cmyk_photograph_can_be_fitted() -> None:
    """What printers send is a JPEG too."""
    data = two_halves("JPEG", mode="CMYK")
    assert opened(fit_image(data, "image/jpeg", fit="cover", pixels=(64, 64))).mode == "RGB"


def test_the_same_bytes_come_out_every_time() -> None:
    """A job that is bought again sends the same picture."""
    data = two_halves("JPEG", orientation=6)
    assert fit_image(data, "image/jpeg") == fit_image(data, "image/jpeg")
