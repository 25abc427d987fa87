"""Input images: decoded once, checked, and stored as small JPEGs for the renderer. It knows no vendor."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

MAX_SIDE = 1600  # longest side of a stored image, in pixels: enough for a slow zoom over a 720p frame
FORMATS = ("JPEG", "PNG", "WEBP")


class ImageError(ValueError):
    """The bytes are not a complete JPEG, PNG or WebP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputImage:
    """One input image; `sha256` is the hash of the bytes in the request."""

    field: str
    filename: str
    bytes: int
    sha256: str
    width: int
    height: int


class InputImages:
    """The stored images, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="images")
        self._sizes: dict[str, tuple[int, int]] = {}

    def paths(self, images: Sequence[Mapping[str, Any]]) -> tuple[Path, ...]:
        """The files of these images, in their order, without the deleted ones."""
        return tuple(path for path in (self._path(image["sha256"]) for image in images) if path.exists())

    async def add(self, data: bytes, *, field: str, filename: str = "") -> InputImage:
        """Decode and store an image in a thread, once for the same bytes. Raises ImageError."""
        digest = hashlib.sha256(data).hexdigest()
        size = self._sizes.get(digest)
        if size is None:
            loop = asyncio.get_running_loop()
            size = await loop.run_in_executor(self._pool, _store, data, self._path(digest))
            self._sizes[digest] = size
        return InputImage(field=field, filename=filename, bytes=len(data), sha256=digest, width=size[0], height=size[1])

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest[:32]}.jpg"


def _store(data: bytes, path: Path) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            size = image.size
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))
            image.load()  # a truncated file has a valid header; only its pixels fail
            small = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise ImageError(str(exc)) from None
    small.thumbnail((MAX_SIDE, MAX_SIDE))
    path.parent.mkdir(parents=True, exist_ok=True)
    small.save(path, "JPEG", quality=88)
    return size
