"""Input images as bytes, ready for a request: read once for jobs that share them, and only as they were planned.

An image that is turned or must be fitted is encoded again in a thread; any other is sent byte for byte.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from batchvid.domain.clip_request import ImageRef
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.wire import ImageInput
from batchvid.errors import StorageError
from batchvid.planning.routing import image_metadata
from batchvid.runner.submission.image_fit import fit_image
from batchvid.storage.async_file import open_for_reading

MAX_CACHE_BYTES = 64 * 1024 * 1024

_CacheKey = tuple[str, str, tuple[int, int] | None]
"""What determines the bytes that are sent: the digest of the file, the fit, and the target size."""


class ImageReader:
    """Reads images and caches the last used ones, up to `MAX_CACHE_BYTES`."""

    def __init__(self) -> None:
        self._cache: OrderedDict[_CacheKey, bytes] = OrderedDict()
        self._cached_bytes = 0

    async def read(self, spec: JobSpec, pixels: tuple[int, int] | None = None) -> tuple[ImageInput, ...]:
        """The job's images in order; its frames are fitted to `pixels` by the job's `fit`.

        Raises StorageError if an image is missing or has changed since it was planned and priced.
        """
        return tuple([await self._read(image, spec.request.fit, pixels) for image in spec.request.images])

    async def _read(self, image: ImageRef, fit: str, pixels: tuple[int, int] | None) -> ImageInput:
        planned = image_metadata(image, pixels)
        if image.is_url:
            return planned
        is_frame = pixels is not None and image.role != "reference"
        return replace(planned, data=await self._bytes(image, fit if is_frame else "", pixels if is_frame else None))

    async def _bytes(self, image: ImageRef, fit: str, pixels: tuple[int, int] | None) -> bytes:
        key = (image.sha256, fit, pixels)
        data = self._cache.get(key)
        if data is not None:
            self._cache.move_to_end(key)
            return data
        try:
            async with open_for_reading(Path(image.source)) as file:
                raw = await file.read()
        except OSError as exc:
            raise StorageError(f"{image.source}: {exc.strerror or exc}") from exc
        data = await asyncio.to_thread(_prepare, raw, image, fit, pixels)
        if key not in self._cache:  # several jobs may have read it at the same time
            self._cache[key] = data
            self._cached_bytes += len(data)
        while self._cached_bytes > MAX_CACHE_BYTES and len(self._cache) > 1:
            self._cached_bytes -= len(self._cache.popitem(last=False)[1])
        return data


def _prepare(data: bytes, image: ImageRef, fit: str, pixels: tuple[int, int] | None) -> bytes:
    if hashlib.sha256(data).hexdigest() != image.sha256:
        raise StorageError(f"{image.source} changed since the job was planned: run again to plan it with the new file")
    try:
        return fit_image(data, image.media_type, fit=fit, pixels=pixels) if image.turned or pixels else data
    except OSError as exc:  # Pillow's error for a damaged image
        raise StorageError(f"{image.source}: {exc.strerror or exc}") from exc
