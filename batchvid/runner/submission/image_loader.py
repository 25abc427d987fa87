"""Input images as bytes, ready for a request: read once for jobs that share them, and only as they were planned.

What is not upright or is to be fitted is encoded anew, in a thread; everything else is sent byte for byte.
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
from batchvid.runner.submission.image_fit import fitted

CACHE_BYTES = 64 * 1024 * 1024

_Ready = tuple[str, str, tuple[int, int] | None]
"""What makes bytes ready to be sent these and no others: the digest of the file, how it is fitted, and to what."""


class ImageReader:
    """Reads images, keeping the last used ones up to `CACHE_BYTES`."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Ready, bytes] = OrderedDict()
        self._kept_bytes = 0

    async def read(self, spec: JobSpec, pixels: tuple[int, int] | None = None) -> tuple[ImageInput, ...]:
        """The job's images in order, its frames fitted to `pixels` as it says.

        Raises StorageError when one is gone or is not what was planned and priced.
        """
        return tuple([await self._read(image, spec.request.fit, pixels) for image in spec.request.images])

    async def _read(self, image: ImageRef, fit: str, pixels: tuple[int, int] | None) -> ImageInput:
        planned = image_metadata(image, pixels)
        if image.is_url:
            return planned
        is_frame = pixels is not None and image.role != "reference"
        return replace(planned, data=await self._bytes(image, fit if is_frame else "", pixels if is_frame else None))

    async def _bytes(self, image: ImageRef, fit: str, pixels: tuple[int, int] | None) -> bytes:
        ready = (image.sha256, fit, pixels)
        data = self._kept.get(ready)
        if data is not None:
            self._kept.move_to_end(ready)
            return data
        try:
            data = await asyncio.to_thread(_prepared, image, fit, pixels)
        except OSError as exc:
            raise StorageError(f"{image.source}: {exc.strerror or exc}") from exc
        if ready not in self._kept:  # several jobs may have read it at the same time
            self._kept[ready] = data
            self._kept_bytes += len(data)
        while self._kept_bytes > CACHE_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return data


def _prepared(image: ImageRef, fit: str, pixels: tuple[int, int] | None) -> bytes:
    data = Path(image.source).read_bytes()
    if hashlib.sha256(data).hexdigest() != image.sha256:
        raise StorageError(f"{image.source} changed since the job was planned: run again to plan it anew")
    return fitted(data, image.media_type, fit=fit, pixels=pixels) if image.turned or pixels else data
