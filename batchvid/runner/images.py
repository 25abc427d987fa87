"""Input images as bytes, ready for a request: read once for jobs that share them, and only as they were planned."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from pathlib import Path

from batchvid.errors import StorageError
from batchvid.specs import ImageRef, JobSpec
from batchvid.wire import ImageInput

CACHE_BYTES = 64 * 1024 * 1024


class ImageReader:
    """Reads images, keeping the last used ones up to `CACHE_BYTES`."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0

    async def read(self, spec: JobSpec) -> tuple[ImageInput, ...]:
        """The job's images in order. Raises StorageError when one is gone or is not what was planned and priced."""
        return tuple([await self._read(image) for image in spec.images])

    async def _read(self, image: ImageRef) -> ImageInput:
        data = b"" if image.is_url else await self._bytes(image)
        return ImageInput(
            role=image.role,
            filename=Path(image.source).name,
            media_type=image.media_type,
            data=data,
            url=image.source if image.is_url else "",
            width=image.width,
            height=image.height,
        )

    async def _bytes(self, image: ImageRef) -> bytes:
        data = self._kept.get(image.sha256)
        if data is not None:
            self._kept.move_to_end(image.sha256)
            return data
        try:
            data = await asyncio.to_thread(Path(image.source).read_bytes)
        except OSError as fault:
            raise StorageError(f"{image.source}: {fault.strerror}") from fault
        if hashlib.sha256(data).hexdigest() != image.sha256:
            raise StorageError(f"{image.source} changed since the job was planned: run again to plan it anew")
        if image.sha256 not in self._kept:  # several jobs may have read it at the same time
            self._kept[image.sha256] = data
            self._kept_bytes += len(data)
        while self._kept_bytes > CACHE_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return data
