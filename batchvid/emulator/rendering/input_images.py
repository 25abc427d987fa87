"""Input images: read once, judged, and kept on disk as small JPEGs for the renderer. It must not know vendors."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

KEPT_SIDE = 1600
"""Longest side of a kept image, in pixels: enough for a slow zoom over a 720p frame."""
FORMATS = ("JPEG", "PNG", "WEBP")


class BadImage(ValueError):
    """The bytes are not a whole JPEG, PNG or WebP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """What is known of one input image; `sha256` is of the bytes that were sent."""

    field: str
    filename: str
    bytes: int
    sha256: str
    width: int
    height: int

    def as_dict(self) -> dict[str, Any]:
        """For the task's record and the ledger."""
        return asdict(self)


class Stills:
    """The kept images, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="stills")
        self._sizes: dict[str, tuple[int, int]] = {}

    def paths(self, images: Sequence[Mapping[str, Any]]) -> tuple[Path, ...]:
        """The files of these images, in their order; those that were swept away are left out."""
        return tuple(path for path in (self._path(image["sha256"]) for image in images) if path.exists())

    async def take(self, data: bytes, *, field: str, filename: str = "") -> Still:
        """Read and keep an image; off the loop, and only once for the same bytes. Raises BadImage."""
        digest = hashlib.sha256(data).hexdigest()
        size = self._sizes.get(digest)
        if size is None:
            loop = asyncio.get_running_loop()
            size = await loop.run_in_executor(self._pool, _keep, data, self._path(digest))
            self._sizes[digest] = size
        return Still(field=field, filename=filename, bytes=len(data), sha256=digest, width=size[0], height=size[1])

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest[:32]}.jpg"


def _keep(data: bytes, path: Path) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            size = image.size
            image.draft("RGB", (KEPT_SIDE, KEPT_SIDE))
            image.load()  # the header of a file cut short is fine; only its pixels tell
            kept = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadImage(str(error)) from None
    kept.thumbnail((KEPT_SIDE, KEPT_SIDE))
    path.parent.mkdir(parents=True, exist_ok=True)
    kept.save(path, "JPEG", quality=88)
    return size
