"""Reads a picture: its real type, its pixels, and what is unusual about it. Bytes decide, not the name of the file.

Pillow and pillow-heif decode it. Each picture is decoded whole: half a download is damaged, although its header is not.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 100_000_000  # decoded, about 300 MB; a real photo has at most 100 million
TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a phone's JPEG, with a second picture behind the first
    "PNG": "image/png",
    "WEBP": "image/webp",
    "HEIF": "image/heic",
    "AVIF": "image/avif",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "BMP": "image/bmp",
}
"""The formats that are read, by Pillow's name."""
CAN_BE_SENT = "JPEG, PNG and WebP can be sent, and HEIC, AVIF, TIFF, GIF and BMP with convert: true"

ANIMATED = "animated"
_READERS = tuple(name for name in TYPES if name != "MPO")  # the JPEG reader reads it
_ORIENTATION = 0x0112  # EXIF
_UPRIGHT, _SWAPPED = (None, 0, 1), (5, 6, 7, 8)  # its values: as it is; width and height change places
_DNG_VERSION, _SUBFILE_TYPE, _SUB_IFDS = 50706, 254, 330  # TIFF tags of cameras' raw files
_VIDEO_BRANDS = (b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"qt  ", b"M4V ", b"M4A ", b"3gp4", b"3gp5", b"dash")
_STARTS = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"<svg", "SVG, a drawing without pixels"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"version https://git-lfs", "a Git LFS pointer; git lfs pull fetches the picture"),
)


class Picture(NamedTuple):
    """What a file holds. Width and height are upright pixels.

    `turned`: its bytes are not upright, and an EXIF tag gives the orientation. `frames` is `animated` or `of several
    pictures` where only one is a picture of the clip. `colours` is what many programs show wrongly (`CMYK colours`,
    `16 bits a channel`), `profile` the name of a colour profile other than sRGB.
    """

    media_type: str
    width: int
    height: int
    turned: bool = False
    frames: str = ""
    transparent: bool = False
    colours: str = ""
    profile: str = ""


def read_picture(data: bytes) -> Picture:
    """What the bytes are. Raises ValueError with what is wrong, to stand after the name of the file."""
    from PIL import UnidentifiedImageError  # late: planning without images does not need it
    from PIL.Image import DecompressionBombError

    try:
        with open_picture(data) as image:
            return _describe(image, data)
    except UnidentifiedImageError:
        raise ValueError(f"is {_what_else(data)}; {CAN_BE_SENT}") from None
    except DecompressionBombError:
        raise ValueError(f"has more pixels than can be sent: at most {MAX_PIXELS // 1_000_000} million") from None
    except _CannotSend as exc:
        raise ValueError(str(exc)) from None
    except Exception as exc:  # the readers raise any exception on a damaged file
        raise ValueError(f"is damaged: {exc or type(exc).__name__}") from None


@contextmanager
def open_picture(data: bytes) -> Iterator[Image.Image]:
    """The first frame of the picture, not yet decoded. Raises what Pillow raises."""
    from PIL import Image

    _register_heif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata; the pixel limit is checked here
        with Image.open(io.BytesIO(data), formats=_READERS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _CannotSend(
                    f"has {image.width}x{image.height} pixels; at most {MAX_PIXELS // 1_000_000} million can be sent"
                )
            yield image


class _CannotSend(ValueError):
    """The image is valid but cannot be sent."""


@cache
def _register_heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()


def _describe(image: Image.Image, data: bytes) -> Picture:
    assert image.format  # noqa: S101 - set for an opened file
    if image.format == "TIFF" and _is_raw(image, data):
        raise _CannotSend("is a camera's raw file; export it as JPEG")
    frames = ""
    if getattr(image, "is_animated", False) and image.format != "MPO":
        frames = ANIMATED if image.format in ("GIF", "PNG", "WEBP", "AVIF") else "of several pictures"
    width, height = image.size
    is_jpeg = image.draft("RGB", (width // 8 or 1, height // 8 or 1)) is not None  # read to its end, five times as fast
    image.load()
    if not is_jpeg:
        width, height = image.size  # Pillow turns a TIFF upright itself
    orientation = image.getexif().get(_ORIENTATION)  # after loading: PNG may have it at its end
    if orientation in _SWAPPED:
        width, height = height, width
    return Picture(
        TYPES[image.format],
        width,
        height,
        turned=orientation not in _UPRIGHT,
        frames=frames,
        transparent=is_transparent(image),
        colours=_colours(image, data),
        profile=_profile_name(image),
    )


def is_transparent(image: Image.Image) -> bool:
    """Whether a pixel is not opaque: an alpha channel alone is no transparency."""
    if not image.has_transparency_data:
        return False
    alpha = image.getchannel("A") if "A" in image.getbands() else image.convert("RGBA").getchannel("A")
    lowest, _ = alpha.getextrema()
    return isinstance(lowest, int) and lowest < 255


def _colours(image: Image.Image, data: bytes) -> str:
    if image.mode in ("CMYK", "LAB"):
        return f"{image.mode} colours"
    deep_png = image.format == "PNG" and data[24:25] == b"\x10"  # the bit depth of the header
    return "16 bits a channel" if deep_png or image.mode[:1] in ("I", "F") else ""


def _profile_name(image: Image.Image) -> str:
    """The name of an RGB profile that is not sRGB; a broken profile is none."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode in ("L", "LA", "CMYK", "LAB"):
        return ""
    from PIL import ImageCms

    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(opened).strip()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return ""
    return "" if "srgb" in name.casefold() else name or "unnamed"


def _is_raw(image: Image.Image, data: bytes) -> bool:
    """Whether a TIFF is a camera's raw file: what Pillow reads of it is a small preview."""
    tags = getattr(image, "tag_v2", {})
    return data[8:10] == b"CR" or _DNG_VERSION in tags or (_SUB_IFDS in tags and tags.get(_SUBFILE_TYPE) == 1)


def _what_else(data: bytes) -> str:
    """What bytes are that none of our formats fits."""
    if not data.strip():
        return "empty"
    if data[4:8] == b"ftyp":
        return "a video" if data[8:12] in _VIDEO_BRANDS else "HEIC, AVIF or a video that cannot be read"
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<?xml") and b"<svg" in data[:4096]:
        return "SVG, a drawing without pixels"
    for start, what in _STARTS:
        if head[: len(start)].lower() == start.lower():
            return what
    return _named_by_pillow(data) or "not an image"


def _named_by_pillow(data: bytes) -> str:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as image:
                return image.format or ""
    except Exception:
        return ""
