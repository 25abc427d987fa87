"""Input images as bytes, ready for a request: read once for jobs that share them, and only as they were planned.

An image that is turned, fitted or converted is encoded again in a thread; any other is sent byte for byte.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from batchvid.dialects.common.request_building import FIELD_OF_ROLE
from batchvid.domain.clip_request import ImageRef
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.wire import ImageInput
from batchvid.errors import StorageError, Unsupported
from batchvid.planning.image_preparation import Preparation, image_metadata
from batchvid.planning.routing import Route
from batchvid.runner.submission.image_fit import Encoded, encode_image
from batchvid.storage.async_file import open_for_reading

MAX_CACHE_BYTES = 64 * 1024 * 1024
MAX_DECODED = 2  # images that are decoded at once: one of 100 million pixels takes 300 MB

_CacheKey = tuple[str, Preparation]
"""What determines the bytes that are sent: the digest of the file, and what is done to it."""


class ImageReader:
    """Reads images and caches the last used ones, up to `MAX_CACHE_BYTES`."""

    def __init__(self) -> None:
        self._cache: OrderedDict[_CacheKey, Encoded] = OrderedDict()
        self._cached_bytes = 0
        self._decoders = asyncio.Semaphore(MAX_DECODED)

    async def read(self, spec: JobSpec, route: Route) -> tuple[ImageInput, ...]:
        """The job's images in order, as this route takes them.

        Raises StorageError if an image is missing or has changed since it was planned and priced, Unsupported if it
        cannot be made as the route takes it.
        """
        return tuple([await self._read(image, route.preparation(spec, image)) for image in spec.request.images])

    async def _read(self, image: ImageRef, preparation: Preparation) -> ImageInput:
        planned = image_metadata(image, preparation)
        if image.is_url:
            return planned
        sent = await self._encoded(image, preparation)
        if not preparation.encode:
            return replace(planned, data=sent.data)
        name = planned.filename if sent.media_type == planned.media_type else f"{Path(planned.filename).stem}.jpg"
        return replace(
            planned, data=sent.data, media_type=sent.media_type, filename=name, width=sent.width, height=sent.height
        )

    async def _encoded(self, image: ImageRef, preparation: Preparation) -> Encoded:
        key = (image.sha256, preparation)
        if (found := self._cached(key)) is not None:
            return found
        async with self._decoders:
            if (found := self._cached(key)) is not None:  # another job needed it at the same time
                return found
            try:
                async with open_for_reading(Path(image.source)) as file:
                    raw = await file.read()
            except OSError as exc:
                raise StorageError(f"{image.source}: {exc.strerror or exc}") from exc
            made = await asyncio.to_thread(_prepare, raw, image, preparation)
            self._cache[key] = made
            self._cached_bytes += len(made.data)
        while self._cached_bytes > MAX_CACHE_BYTES and len(self._cache) > 1:
            self._cached_bytes -= len(self._cache.popitem(last=False)[1].data)
        return made

    def _cached(self, key: _CacheKey) -> Encoded | None:
        found = self._cache.get(key)
        if found is not None:
            self._cache.move_to_end(key)
        return found


def _prepare(data: bytes, image: ImageRef, preparation: Preparation) -> Encoded:
    if hashlib.sha256(data).hexdigest() != image.sha256:
        raise StorageError(f"{image.source} changed since the job was planned: run again to plan it with the new file")
    if not preparation.encode:
        return Encoded(data, image.media_type, image.width, image.height)
    try:
        return encode_image(data, preparation)
    except MemoryError as exc:
        raise StorageError(f"{image.source}: there is not enough memory to convert it") from exc
    except Exception as exc:  # the readers raise any exception on a damaged file
        raise Unsupported(FIELD_OF_ROLE[image.role], f"{image.source}: {exc or type(exc).__name__}") from exc
