"""Image bytes to image bytes: upright, of the wanted size, of the same type, with nothing cut that should be seen."""

from __future__ import annotations

import io
from typing import Any

import pillow_heif
import pytest
from PIL import Image

from batchvid.planning.image_preparation import Preparation
from batchvid.runner.submission.image_fit import Encoded, encode_image
from tests.sample_pictures import OTHER_FORMATS, animation, noise, see_through, swapped_profile, with_exif
from tests.sample_pictures import encoded as picture_bytes

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


def fit_image(data: bytes, media_type: str, *, fit: str = "", pixels: tuple[int, int] | None = None) -> bytes:
    """The bytes of an image that keeps its type."""
    return encoded(data, media_type=media_type, fit=fit, pixels=pixels).data


def encoded(data: bytes, **fields: Any) -> Encoded:
    """What is made of the image; without a type a JPEG."""
    return encode_image(data, Preparation(**{"media_type": "image/jpeg", "encode": True, **fields}))


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


@pytest.mark.parametrize("file_format", OTHER_FORMATS)
def test_every_format_comes_out_as_jpeg(file_format: str) -> None:
    """Whole, of the same size, and with no metadata."""
    image = Image.new("RGB", (200, 100), RED)
    image.paste(BLUE, (100, 0, 200, 100))
    made = encoded(picture_bytes(image, file_format))
    result = opened(made.data)
    assert (result.format, result.size, made.media_type) == ("JPEG", (200, 100), "image/jpeg")
    assert (made.width, made.height) == (200, 100)
    assert (colour(result, 5, 5), colour(result, 195, 95)) == (RED, BLUE)


def test_only_the_first_frame_is_sent() -> None:
    """Of an animation."""
    assert colour(opened(encoded(animation()).data), 5, 5) == RED


def test_the_main_picture_of_several_is_sent() -> None:
    """A HEIC file names it, and it need not be the first."""
    several = pillow_heif.HeifFile()  # type: ignore[no-untyped-call]
    for shade in (RED, BLUE):
        several.add_from_pillow(Image.new("RGB", (64, 48), shade))
    out = io.BytesIO()
    several.save(out, primary_index=1)
    assert colour(opened(encoded(out.getvalue()).data), 5, 5) == BLUE


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize(("background", "behind"), [("", (255, 255, 255)), ("#000000", BLACK), ("#0000ff", BLUE)])
def test_transparency_is_laid_on_a_colour(file_format: str, background: str, behind: tuple[int, ...]) -> None:
    """White, unless the manifest names another one."""
    result = opened(encoded(picture_bytes(see_through(), file_format), background=background).data)
    assert (colour(result, 20, 50), colour(result, 380, 50)) == (RED, behind)


def test_half_transparent_pixels_are_mixed() -> None:
    """A soft edge stays soft."""
    glass = Image.new("RGBA", (64, 64), (255, 0, 0, 128))
    pixel = opened(encoded(picture_bytes(glass), background="#0000ff").data).getpixel((32, 32))
    assert isinstance(pixel, tuple)
    assert all(abs(channel - wanted) < 4 for channel, wanted in zip(pixel, (128, 0, 127), strict=True))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_colours_come_out_as_srgb(file_format: str) -> None:
    """A picture with another profile looks the same without it: vendors do not read profiles."""
    data = picture_bytes(Image.new("RGB", (64, 64), RED), file_format, icc_profile=swapped_profile())
    result = opened(encoded(data).data)
    assert (colour(result, 32, 32), result.info.get("icc_profile")) == (BLUE, None)


def test_a_profile_applies_to_transparent_pictures_and_palettes() -> None:
    """The colours change, the transparency does not."""
    data = picture_bytes(see_through(), "PNG", icc_profile=swapped_profile())
    assert colour(opened(encoded(data).data), 20, 50) == BLUE
    kept = opened(fit_image(data, "image/png"))
    assert (kept.mode, kept.getpixel((20, 50)), kept.getpixel((380, 50))) == ("RGBA", (0, 0, 255, 255), (0, 0, 0, 0))
    palette = picture_bytes(Image.new("RGB", (64, 64), RED).convert("P"), "PNG", icc_profile=swapped_profile())
    assert colour(opened(encoded(palette).data), 20, 50) == BLUE


def test_a_broken_profile_is_ignored() -> None:
    """The picture is sent as it is."""
    for profile in (b"no profile", swapped_profile()[:200]):
        data = picture_bytes(Image.new("RGB", (64, 64), RED), "PNG", icc_profile=profile)
        assert colour(opened(encoded(data).data), 32, 32) == RED


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "LAB", "I", "F", "I;16", "YCbCr"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    """Scans, faxes and printers' files: a grey of the middle stays about there."""
    grey = {"I;16": 0x8000, "I": 0x8000, "F": 0.5, "1": 1}.get(mode)
    plain = Image.new("RGB", (64, 64), (128, 128, 128))
    image = plain.convert(mode, palette=Image.Palette.ADAPTIVE) if grey is None else Image.new(mode, (64, 64), grey)
    result = opened(encoded(picture_bytes(image, "TIFF")).data)
    pixel = result.getpixel((32, 32))
    assert isinstance(pixel, tuple)
    wanted = 255 if mode == "1" else 128
    assert all(abs(channel - wanted) < 14 for channel in pixel)


def test_no_place_leaves_the_machine() -> None:
    """The GPS position and the camera's name of a photo are not sent once it is encoded again."""
    data = picture_bytes(noise(), "JPEG", exif=with_exif(6))
    made = encoded(data).data
    assert b"Ada" in data
    assert b"Ada" not in made
    assert not opened(made).getexif()


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png"])
def test_an_image_is_made_small_enough(media_type: str) -> None:
    """First by quality, then by size; a type that cannot be made smaller becomes JPEG where that is allowed."""
    data = picture_bytes(noise((1200, 900)))
    for limit in (400_000, 100_000, 60_000):
        made = encoded(data, media_type=media_type, max_bytes=limit, may_change_type=True)
        result = opened(made.data)
        assert len(made.data) <= limit
        assert (result.size, result.format, made.media_type) == ((made.width, made.height), "JPEG", "image/jpeg")
        assert abs(made.width * 3 - made.height * 4) <= 8  # its shape is kept
    with pytest.raises(ValueError, match="cannot be made smaller than 5000 bytes"):
        encoded(data, max_bytes=5_000)


def test_a_fitted_frame_keeps_its_pixels() -> None:
    """Its size in pixels is what was planned: only the quality gives way."""
    made = encoded(picture_bytes(noise((1200, 900))), fit="cover", pixels=(800, 600), max_bytes=200_000)
    assert (made.width, made.height, len(made.data) <= 200_000) == (800, 600, True)
    with pytest.raises(ValueError, match="cannot be made smaller"):
        encoded(picture_bytes(noise((1200, 900))), fit="cover", pixels=(800, 600), max_bytes=50_000)


def test_a_side_that_is_too_long_is_shrunk() -> None:
    """To the limit, in the same shape."""
    made = encoded(picture_bytes(noise((900, 300))), max_side_px=600)
    assert opened(made.data).size == (made.width, made.height) == (600, 200)


def test_bars_have_the_background() -> None:
    """Black without one."""
    data = two_halves()
    for background, corner in (("", BLACK), ("#ff0000", RED)):
        made = encoded(data, fit="contain", pixels=(90, 160), background=background)
        assert colour(opened(made.data), 2, 2) == corner
