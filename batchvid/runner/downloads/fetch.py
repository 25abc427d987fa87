"""Downloads, checks and stores one clip."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from yarl import URL

from batchvid.domain.job_spec import Clip
from batchvid.domain.wire import Asset
from batchvid.errors import (
    BadMedia,
    ClipNotReady,
    DownloadError,
    IncompleteClip,
    LinkDead,
    LinkGone,
    StorageError,
)
from batchvid.net.access import Access
from batchvid.net.transport import Transport
from batchvid.runner.downloads.differences import Expected
from batchvid.runner.downloads.partial_file import WRITE_BYTES, PartialFile
from batchvid.runner.downloads.stall_detector import DEFAULT_LIMITS, MAX_CLIP_BYTES, DownloadLimits, StallDetector
from batchvid.runner.downloads.store_clip import is_proven_whole, store_clip
from batchvid.runner.downloads.worker_threads import run_in
from batchvid.storage import LocalStore
from batchvid.storage.file_kind import HEAD_BYTES, container_of, is_gzip

GONE = 410
NOT_THERE = frozenset({401, 403, 404})  # a path that belongs below the base URL may want another key at its origin
PASSING = frozenset({408, 416, 425, 429})  # say nothing about the link; other 4xx do
QUOTED_BYTES = 300
PROGRESS_BYTES = 64 * 1024  # fewer show no progress of a download


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """What to fetch, and what it must be.

    The key of `access` is sent to the provider at `base_url` only: for a keyed asset, and with `send_key_to_own_links`
    for a link on its own origin that refuses an anonymous request. `clip_key` is the planned key, in MP4. `sidecar` is
    written beside the clip. `fresh`: no earlier attempt, so there is no partial file.
    """

    asset: Asset
    base_url: str
    access: Access
    clip_key: str
    task_id: str
    expected: Expected
    sidecar: Mapping[str, Any]
    allow_private_links: bool = False
    send_key_to_own_links: bool = True
    fresh: bool = False
    max_bytes: int = MAX_CLIP_BYTES
    limits: DownloadLimits = DEFAULT_LIMITS


async def fetch_clip(transport: Transport, store: LocalStore, request: FetchRequest, pool: ThreadPoolExecutor) -> Clip:
    """Download the asset beside its target, check it, move it to its place.

    Raises LinkDead and ClipNotReady (request a new link), LinkRefused (another link, or the user's permission),
    IncompleteClip and DownloadError (retry: it resumes), BadMedia (the file is kept aside), DiskFull, StorageError.
    """
    is_vouched_for = True
    async with PartialFile(store, request.clip_key, request.task_id, request.max_bytes, pool) as partial_file:
        have = 0 if request.fresh else await partial_file.resume_from()
        try:
            rest, is_vouched_for = await _transfer(transport, request, partial_file, have, pool)
        except DownloadError as exc:
            # a wrong Content-Length breaks every transfer: the file itself may say that it is whole
            if type(exc) is not DownloadError or partial_file.is_unwritten or not partial_file.size_bytes:
                raise
            await partial_file.close()
            if not await run_in(pool, is_proven_whole, partial_file.path):
                raise
            rest = []
        if not partial_file.is_unwritten:
            await partial_file.write(rest)
    sidecar = {**request.sidecar, "task_id": request.task_id}
    return await run_in(
        pool, store_clip, store, partial_file, request.clip_key, request.expected, sidecar, rest, is_vouched_for
    )


async def _transfer(
    transport: Transport, request: FetchRequest, partial_file: PartialFile, have: int, pool: ThreadPoolExecutor
) -> tuple[list[bytes], bool]:
    """The end of the body, which is not written yet, and whether the server announced where the body ends."""
    if request.asset.location.startswith("data:"):
        rest = [await run_in(pool, _decode_inline, request.asset.location)]
        partial_file.expect(0, "", len(rest[0]))
        return rest, True
    now = asyncio.get_running_loop().time
    limits, started_at = request.limits, now()
    try:
        async with transport.download_limit(min(limits.headers_s, limits.total_s)) as call:
            progress = partial(transport.extend_download, call, started_at + limits.total_s)
            async with _open(transport, request, partial_file.range_headers(have)) as response:
                progress(bytes_arrived=False)
                rest = await _receive(response, partial_file, have, limits, pool, progress)
                return rest, response.content_length is not None
    except TimeoutError as exc:
        raise DownloadError(f"the download is not done after {round(now() - started_at, 2):g} s") from exc


@asynccontextmanager
async def _open(
    transport: Transport, request: FetchRequest, headers: Mapping[str, str]
) -> AsyncIterator[aiohttp.ClientResponse]:
    links, asset, private = transport.links, request.asset, request.allow_private_links
    if asset.keyed and not asset.from_origin:
        async with links.open_content(
            request.base_url, asset.location, request.access, headers, allow_private=private
        ) as response:
            yield response
        return
    for url in (urls := _urls(request)):
        async with links.open_own_link(
            url, request.access, headers, origin=request.base_url, allow_private=private,
            send_key=request.send_key_to_own_links,
        ) as response:  # fmt: skip
            if response.status not in NOT_THERE or url is urls[-1]:
                yield response
                return


def _urls(request: FetchRequest) -> list[str]:
    """The addresses of a link: of a path that the vendor named, from its origin, then below the base URL."""
    location = request.asset.location
    if not request.asset.from_origin:
        return [location]
    path = location if location.startswith("/") else f"/{location}"
    below = request.base_url.rstrip("/") + path
    return list(dict.fromkeys((f"{URL(request.base_url).origin()}{path}", below)))


async def _receive(
    response: aiohttp.ClientResponse,
    partial_file: PartialFile,
    have: int,
    limits: DownloadLimits,
    pool: ThreadPoolExecutor,
    progress: Callable[[], None],
) -> list[bytes]:
    """Write the body except for its end, which is returned. Calls `progress` each time that enough has arrived."""
    status = response.status
    if status == GONE:
        raise LinkGone(f"the link answers {status}")
    if 400 <= status < 500 and status not in PASSING:
        raise LinkDead(f"the link answers {status}")
    if status == 416:
        await run_in(pool, partial_file.discard)
        raise DownloadError("the server does not know the rest of the file: it starts over")
    if not 200 <= status < 300:
        raise DownloadError(f"the link answers {status}")
    validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    content_range = response.headers.get("Content-Range", "")
    resumes = bool(have) and status == 206 and partial_file.fits(content_range, validator)
    is_whole = status != 206 or (not have and (not content_range or content_range.startswith("bytes 0-")))
    if not resumes and not is_whole:  # some servers ignore If-Range: this is the rest of another file
        await run_in(pool, partial_file.discard)
        raise DownloadError("the server sent another part than requested: it starts over")
    announced_bytes = response.content_length or 0
    partial_file.expect(have if resumes else 0, validator, announced_bytes)
    if announced_bytes > WRITE_BYTES:  # check the disk space before a large body arrives; a small one is just tried
        await partial_file.begin()
    try:
        return await _read(response, partial_file, limits, progress, is_start=not resumes)
    except ClipNotReady as exc:
        if not partial_file.is_unwritten:
            await run_in(pool, partial_file.discard)
            await run_in(pool, partial_file.forget)
        raise ClipNotReady(f"the link answers {status} with {exc}") from None


async def _read(
    response: aiohttp.ClientResponse,
    partial_file: PartialFile,
    limits: DownloadLimits,
    progress: Callable[[], None],
    *,
    is_start: bool,
) -> list[bytes]:
    clock = asyncio.get_running_loop().time
    stall_detector = StallDetector(limits, clock())
    pieces: list[bytes] = []
    size, unchecked, since_progress = 0, is_start, 0
    try:
        async for piece in response.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            since_progress += len(piece)
            if since_progress >= PROGRESS_BYTES:
                since_progress = 0
                progress()
            if unchecked and size >= HEAD_BYTES:
                unchecked = False
                _refuse_text(pieces)
            if stall_detector.is_stalled(clock(), len(piece)):
                raise DownloadError(f"fewer than {limits.min_bytes} bytes came in {limits.window_s:g} s")
            if size >= WRITE_BYTES:
                full, pieces, size = pieces, [], 0
                await partial_file.write(full)
        if unchecked:
            _refuse_text(pieces)
    except ClipNotReady:
        raise
    except asyncio.CancelledError:
        with contextlib.suppress(StorageError, BadMedia):  # a cancelled task must end as cancelled
            await _keep(pieces, partial_file)
        raise
    except BaseException:
        await _keep(pieces, partial_file)
        raise
    return pieces


def _refuse_text(pieces: list[bytes]) -> None:
    """Raises ClipNotReady if the body is a text. Any other file is downloaded, checked, and kept if it is no clip."""
    head = b"".join(pieces)[:QUOTED_BYTES]
    if not is_gzip(head):
        with contextlib.suppress(BadMedia, IncompleteClip):
            container_of(head)


async def _keep(pieces: list[bytes], partial_file: PartialFile) -> None:
    """Write what has arrived, so that the next try resumes after it."""
    if pieces:
        await partial_file.write(pieces)


def _decode_inline(uri: str) -> bytes:
    head, comma, body = uri.partition(",")
    if not comma or not head.endswith(";base64"):
        raise BadMedia(f"an inline clip that is not base64: {head[:60]}")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as exc:
        raise BadMedia(f"an inline clip that is not base64: {exc}") from exc
