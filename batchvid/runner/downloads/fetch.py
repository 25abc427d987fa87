"""Downloads, checks and stores one clip."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp

from batchvid.domain.job_spec import Clip
from batchvid.domain.wire import Asset
from batchvid.errors import BadMedia, DownloadError, LinkDead, StorageError
from batchvid.net.transport import Transport
from batchvid.runner.downloads.partial_file import WRITE_BYTES, PartialFile
from batchvid.runner.downloads.stall_detector import DEFAULT_LIMITS, MAX_CLIP_BYTES, DownloadLimits, StallDetector
from batchvid.runner.downloads.worker_threads import run_in
from batchvid.storage import LocalStore
from batchvid.storage.video_probe import check_duration, probe

DEAD_STATUSES = frozenset({401, 403, 404, 410})
TEXT_TYPES = ("text/", "application/json", "application/xml", "application/problem+json")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """What to fetch, and what it must be.

    The `key` is sent to `base_url` only, and only for a keyed asset. `duration_s` is the requested duration, None if
    any will do. `sidecar` is written beside the clip. `fresh`: no earlier attempt, so there is no partial file.
    """

    asset: Asset
    base_url: str
    key: str = field(repr=False)
    clip_key: str
    task_id: str
    duration_s: float | None
    sidecar: Mapping[str, Any]
    allow_private_links: bool = False
    fresh: bool = False
    max_bytes: int = MAX_CLIP_BYTES
    limits: DownloadLimits = DEFAULT_LIMITS


async def fetch_clip(transport: Transport, store: LocalStore, request: FetchRequest, pool: ThreadPoolExecutor) -> Clip:
    """Download the asset beside its target, check it, move it to its place.

    Raises LinkDead (request a new link), LinkRefused (another link, or the user's permission), DownloadError (retry: it
    resumes), BadMedia (the file is kept aside), DiskFull, StorageError.
    """
    async with PartialFile(store, request.clip_key, request.task_id, request.max_bytes, pool) as partial_file:
        have = 0 if request.fresh else await partial_file.resume_from()
        if request.asset.location.startswith("data:"):
            rest = [_decode_inline(request.asset.location)]
            partial_file.expect(0, "", len(rest[0]))
        else:
            try:
                async with asyncio.timeout(request.limits.total_s):
                    async with _open(transport, request, partial_file.range_headers(have)) as response:
                        rest = await _receive(response, partial_file, have, request.limits, pool)
            except TimeoutError as exc:
                raise DownloadError(f"the download is not done after {request.limits.total_s:g} s") from exc
        if not partial_file.is_unwritten:
            await partial_file.write(rest)
    return await run_in(pool, _finish, store, partial_file, request, rest)


def _open(
    transport: Transport, request: FetchRequest, headers: Mapping[str, str]
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    location, private = request.asset.location, request.allow_private_links
    if request.asset.keyed:
        return transport.links.open_content(request.base_url, location, request.key, headers, allow_private=private)
    return transport.links.open_link(location, headers, origin=request.base_url, allow_private=private)


async def _receive(
    response: aiohttp.ClientResponse,
    partial_file: PartialFile,
    have: int,
    limits: DownloadLimits,
    pool: ThreadPoolExecutor,
) -> list[bytes]:
    """Write the body except for its end, which is returned."""
    if response.status in DEAD_STATUSES:
        raise LinkDead(f"the link answers {response.status}")
    if response.status == 416:
        await run_in(pool, partial_file.discard)
        raise DownloadError("the server does not know the rest of the file: it starts over")
    if response.status not in (200, 206):
        raise DownloadError(f"the link answers {response.status}")
    if (response.content_type or "").startswith(TEXT_TYPES):
        text = (await response.content.read(300)).decode("utf-8", "replace")
        raise BadMedia(f"the link answers {response.content_type} instead of a clip: {text}")
    validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    resumes = response.status == 206 and partial_file.fits(response.headers.get("Content-Range", ""), validator)
    if response.status == 206 and not resumes:  # some servers ignore If-Range: this is the rest of another file
        await run_in(pool, partial_file.discard)
        raise DownloadError("the server sent another part than requested: it starts over")
    announced_bytes = response.content_length or 0
    partial_file.expect(have if resumes else 0, validator, announced_bytes)
    if announced_bytes > WRITE_BYTES:  # check the disk space before a large body arrives; a small one is just tried
        await partial_file.begin()
    return await _read(response, partial_file, limits)


async def _read(response: aiohttp.ClientResponse, partial_file: PartialFile, limits: DownloadLimits) -> list[bytes]:
    clock = asyncio.get_running_loop().time
    stall_detector = StallDetector(limits, clock())
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in response.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            if stall_detector.is_stalled(clock(), len(piece)):
                raise DownloadError(f"fewer than {limits.min_bytes} bytes came in {limits.window_s:g} s")
            if size >= WRITE_BYTES:
                full, pieces, size = pieces, [], 0
                await partial_file.write(full)
    except asyncio.CancelledError:
        with contextlib.suppress(StorageError, BadMedia):  # a cancelled task must end as cancelled
            await _keep(pieces, partial_file)
        raise
    except BaseException:
        await _keep(pieces, partial_file)
        raise
    return pieces


async def _keep(pieces: list[bytes], partial_file: PartialFile) -> None:
    """Write what has arrived, so that the next try resumes after it."""
    if pieces:
        await partial_file.write(pieces)


def _finish(store: LocalStore, partial_file: PartialFile, request: FetchRequest, rest: list[bytes]) -> Clip:
    """Check the file and move it to its place; a small clip is written here. Blocks: it reads, decodes and syncs."""
    if partial_file.is_unwritten:
        partial_file.write_whole(rest)
    else:
        partial_file.check_written()
    try:
        found = probe(partial_file.path)
        check_duration(found.duration_s, request.duration_s)
    except BadMedia as exc:
        partial_file.forget()
        raise BadMedia(f"{exc} (kept as {store.reject(partial_file.path).name})") from exc
    clip = Clip(
        key=request.clip_key,
        size_bytes=partial_file.size_bytes,
        sha256=partial_file.digest(),
        duration_s=found.duration_s,
        width=found.width,
        height=found.height,
    )
    partial_file.forget()  # before the rename: a crash in between costs a download, and leaves no stray file
    store.put(partial_file.path, clip, {**request.sidecar, "task_id": request.task_id, "clip": asdict(clip)})
    return clip


def _decode_inline(uri: str) -> bytes:
    head, comma, body = uri.partition(",")
    if not comma or not head.endswith(";base64"):
        raise BadMedia(f"an inline clip that is not base64: {head[:60]}")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as exc:
        raise BadMedia(f"an inline clip that is not base64: {exc}") from exc
