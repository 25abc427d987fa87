"""Input images: finds, decodes and checks them. Knows no job and uploads nothing."""

from __future__ import annotations

import hashlib
import io
import os
import re
import warnings
from collections.abc import Sequence
from fnmatch import translate
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

MAX_BYTES = 50_000_000  # above every vendor's own limit (Kling 10 MB, Runway 16 MB)
MAX_PIXELS = 100_000_000  # decoded, about 300 MB; a real photo has at most 100 million
_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
}  # MPO: a phone's JPEG
_ORIENTATION = 0x0112  # EXIF
_UPRIGHT, _SWAPPED = (None, 0, 1), (5, 6, 7, 8)  # its values: as it is; width and height change places


class ImageFile(NamedTuple):
    """One image: `source` is an absolute path or a URL; width and height are upright pixels, 0 for a URL.

    `turned`: its bytes are not upright, and an EXIF tag gives the orientation.
    """

    source: str
    sha256: str = ""
    media_type: str = ""
    size_bytes: int = 0
    width: int = 0
    height: int = 0
    turned: bool = False

    @property
    def identity(self) -> str:
        """What identifies the image: the digest of its bytes, or its URL."""
        return self.sha256 or self.source


class _CannotSend(ValueError):
    """The image is valid but cannot be sent."""


class ImageCache:
    """Reads each file once, however many jobs use it."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Sequence[Path]], ImageFile | str] = {}
        self._read: dict[str, ImageFile | str] = {}

    def find(self, name: str, folders: tuple[Path, ...]) -> ImageFile:
        """The image with that name or URL, searched in `folders` in order. Raises ValueError with what is wrong."""
        found = self._found.get((name, folders))
        if found is None:
            found = self._found[name, folders] = self._find(name, folders)
        if isinstance(found, str):
            raise ValueError(found)
        return found

    def _find(self, name: str, folders: tuple[Path, ...]) -> ImageFile | str:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|data:", name):
            return _url(name)
        paths = [os.path.abspath(folder / name) for folder in folders]  # noqa: PTH100 - keeps links
        for path in paths:
            if os.path.isfile(path):  # noqa: PTH113
                if path not in self._read:
                    self._read[path] = _read_image(name, Path(path))
                return self._read[path]
        return f"there is no file {name}; it was looked for at {' and '.join(dict.fromkeys(paths))}"


def matching(pattern: str, folder: Path) -> list[str]:
    """The files that fit a pattern such as `photos/*.jpg`, sorted; upper and lower case are the same.

    `**` matches any folders. Hidden files are left out. The names are relative to `folder`, with `/`.
    """
    anchor, *parts = Path(pattern).parts if Path(pattern).is_absolute() else ("", *Path(pattern).parts)
    parts = [part for part, before in zip(parts, ["", *parts], strict=False) if (part, before) != ("**", "**")]
    found = _walk(Path(anchor) if anchor else folder, parts, anchor)
    return sorted(set(found), key=lambda name: (name.casefold(), name))


def _walk(folder: Path, parts: list[str], above: str) -> list[str]:
    if not parts:
        return []
    head, rest = parts[0], parts[1:]
    if head in (".", ".."):
        return _walk(folder / head, rest, f"{above}{head}/")
    found: list[str] = []
    if head == "**":
        found = _walk(folder, rest or ["*"], above)
    test = re.compile(translate("*" if head == "**" else head), re.IGNORECASE)
    try:
        entries = list(os.scandir(folder))
    except (OSError, ValueError):  # no such folder, or a name that no folder can have
        return []
    for entry in entries:
        if entry.name.startswith(".") or not test.match(entry.name):
            continue
        name = f"{above}{entry.name}"
        if head == "**":
            found += _walk(Path(entry.path), parts, f"{name}/") if entry.is_dir(follow_symlinks=False) else []
        elif rest:
            found += _walk(Path(entry.path), rest, f"{name}/") if entry.is_dir() else []
        elif entry.is_file():
            found.append(name)
    return found


def _url(name: str) -> ImageFile | str:
    try:
        parts = urlsplit(name)
        usable = parts.scheme == "https" and bool(parts.hostname) and not re.search(r"\s", name)
    except ValueError:
        usable = False
    if not usable:
        return f"{name[:100]} must be a file, or an https:// address that the vendor can fetch"
    return ImageFile(name)


def _read_image(name: str, path: Path) -> ImageFile | str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            return f"{name} has {size / 1e6:.0f} MB; at most {MAX_BYTES // 1_000_000} MB can be sent"
        data = path.read_bytes()
    except OSError as exc:
        return f"{name} cannot be read: {exc.strerror or exc}"
    try:
        media_type, width, height, is_rotated = _decode(data)
    except ValueError as exc:
        return f"{name} {exc}"
    return ImageFile(str(path), hashlib.sha256(data).hexdigest(), media_type, len(data), width, height, is_rotated)


def _decode(data: bytes) -> tuple[str, int, int, bool]:
    """(media type, width, height, is rotated). Decodes all of it: Pillow's verify() accepts half a JPEG."""
    from PIL import Image, UnidentifiedImageError  # late: planning without images does not need it

    if data[4:8] == b"ftyp":
        raise ValueError("is HEIC, AVIF or a video; JPEG, PNG and WebP can be sent")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata; the pixel limit below is checked here
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
                if image.format not in _TYPES:
                    raise _CannotSend(f"is {image.format}; JPEG, PNG and WebP can be sent")
                if width * height > MAX_PIXELS:
                    raise _CannotSend(
                        f"has {width}x{height} pixels; at most {MAX_PIXELS // 1_000_000} million can be sent"
                    )
                orientation = image.getexif().get(_ORIENTATION)
                media_type = _TYPES[image.format]
                image.draft("RGB", (width // 8, height // 8))  # a JPEG is still read to its end, five times as fast
                image.load()
    except UnidentifiedImageError:
        raise ValueError("is not an image; JPEG, PNG and WebP can be sent") from None
    except Image.DecompressionBombError:
        raise ValueError(f"has more pixels than can be sent: at most {MAX_PIXELS // 1_000_000} million") from None
    except _CannotSend:
        raise
    except Exception as exc:  # Pillow's readers raise any exception on a damaged file
        raise ValueError(f"is damaged: {exc}") from None
    if orientation in _SWAPPED:
        width, height = height, width
    return media_type, width, height, orientation not in _UPRIGHT
