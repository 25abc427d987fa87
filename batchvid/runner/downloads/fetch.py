"""The heavy step: asset in, checked and stored clip out. One function from plain values to plain values."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import aiohttp

from batchvid.domain.job_spec import Clip
from batchvid.domain.wire import Asset
from batchvid.errors import BadMedia, DownloadError, LinkDead
from batchvid.net.transport import Transport
from batchvid.runner.downloads.partial_file import GATHER_BYTES, PartialFile
from batchvid.runner.downloads.stall_detector import MOST_CLIP_BYTES, PATIENCE, DownloadLimits, StallDetector
from batchvid.runner.downloads.worker_threads import WorkerPool
from batchvid.storage import LocalStore
from batchvid.storage.video_probe import check_duration, probe

DEAD = frozenset({401, 403, 404, 410})
TEXT_TYPES = ("text/", "application/json", "application/xml", "application/problem+json")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """What to fetch and what it must be.

    `base_url` is where the provider is; the `key` goes there only, and only for a keyed asset. `duration_s` is what
    was asked for, None for no wish. `sidecar` is written beside the clip with what was found out about it.
    With `allow_private_links` a link may lead into a private network even if the provider is in none. `fresh` is a clip
    that was never tried before, so that no part of it can be here.
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
    max_bytes: int = MOST_CLIP_BYTES
    patience: DownloadLimits = PATIENCE


async def fetch_clip(transport: Transport, store: LocalStore, catch: FetchRequest, pool: WorkerPool) -> Clip:
    """Fetch the asset beside its target, check that it is the clip, put it in its place.

    Raises LinkDead (ask for a fresh link), LinkRefused (another link, or the user's leave), DownloadError (try again,
    it goes on where it stopped), BadMedia (the file is kept aside), NoRoom, StorageError (the disk says no).
    """
    partial_file = PartialFile(store, catch.clip_key, catch.task_id, catch.max_bytes)
    have = 0 if catch.fresh else await pool.do(partial_file.resume_from)
    if catch.asset.location.startswith("data:"):
        rest = [_inline(catch.asset.location)]
        partial_file.expect(0, "", len(rest[0]))
    else:
        try:
            async with asyncio.timeout(catch.patience.total_s):
                async with _opened(transport, catch, partial_file.range_headers(have)) as reply:
                    rest = await _receive(reply, partial_file, have, catch.patience, pool)
        except TimeoutError as exc:
            raise DownloadError(f"the download is not done after {catch.patience.total_s:g} s") from exc
    return await pool.do(partial(_finish, store, partial_file, catch, rest))


def _opened(
    transport: Transport, catch: FetchRequest, headers: Mapping[str, str]
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    location, private = catch.asset.location, catch.allow_private_links
    if catch.asset.keyed:
        return transport.open_content(catch.base_url, location, catch.key, headers, allow_private=private)
    return transport.open_link(location, headers, origin=catch.base_url, allow_private=private)


async def _receive(
    reply: aiohttp.ClientResponse, partial_file: PartialFile, have: int, patience: DownloadLimits, pool: WorkerPool
) -> list[bytes]:
    """Write the body but for its end, which is returned."""
    if reply.status in DEAD:
        raise LinkDead(f"the link answers {reply.status}")
    if reply.status == 416:
        await pool.do(partial_file.discard)
        raise DownloadError("the server does not know the rest of the file: it starts over")
    if reply.status not in (200, 206):
        raise DownloadError(f"the link answers {reply.status}")
    if (reply.content_type or "").startswith(TEXT_TYPES):
        said = (await reply.content.read(300)).decode("utf-8", "replace")
        raise BadMedia(f"the link answers {reply.content_type} instead of a clip: {said}")
    validator = reply.headers.get("ETag") or reply.headers.get("Last-Modified") or ""
    goes_on = reply.status == 206 and partial_file.fits(reply.headers.get("Content-Range", ""), validator)
    if reply.status == 206 and not goes_on:  # some servers do not look at If-Range: the rest of another file
        await pool.do(partial_file.discard)
        raise DownloadError("the server sent another part than asked: it starts over")
    announced_bytes = reply.content_length or 0
    partial_file.expect(have if goes_on else 0, validator, announced_bytes)
    if announced_bytes > GATHER_BYTES:  # whether there is room is found out before it comes; a small one is tried
        await pool.do(partial_file.begin)
    return await _read(reply, partial_file, patience, pool)


async def _read(
    reply: aiohttp.ClientResponse, partial_file: PartialFile, patience: DownloadLimits, pool: WorkerPool
) -> list[bytes]:
    clock = asyncio.get_running_loop().time
    pace = StallDetector(patience, clock())
    gathered: list[bytes] = []
    size = 0
    try:
        async for piece in reply.content.iter_any():
            gathered.append(piece)
            size += len(piece)
            if pace.is_trickle(clock(), len(piece)):
                raise DownloadError(f"fewer than {patience.floor_bytes} bytes came in {patience.window_s:g} s")
            if size >= GATHER_BYTES:
                full, gathered, size = gathered, [], 0
                await pool.do(partial(partial_file.write, full))
    except BaseException:
        if gathered:  # what has come is kept for the next try
            await pool.do(partial(partial_file.write, gathered))
        raise
    return gathered


def _finish(store: LocalStore, partial_file: PartialFile, catch: FetchRequest, rest: list[bytes]) -> Clip:
    """Write the end, check the file and put it in its place; in a thread, for it reads, decodes and syncs."""
    partial_file.write(rest, last=True)
    try:
        found = probe(partial_file.path)
        check_duration(found.duration_s, catch.duration_s)
    except BadMedia as exc:
        partial_file.forget()
        raise BadMedia(f"{exc} (kept as {store.reject(partial_file.path).name})") from exc
    clip = Clip(
        key=catch.clip_key,
        size_bytes=partial_file.size_bytes,
        sha256=partial_file.digest(),
        duration_s=found.duration_s,
        width=found.width,
        height=found.height,
    )
    partial_file.forget()  # before the rename: a crash between the two costs a download, not a stray file for ever
    store.put(partial_file.path, clip, {**catch.sidecar, "task_id": catch.task_id, "clip": asdict(clip)})
    return clip


def _inline(uri: str) -> bytes:
    head, comma, body = uri.partition(",")
    if not comma or not head.endswith(";base64"):
        raise BadMedia(f"an inline clip that is not base64: {head[:60]}")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as exc:
        raise BadMedia(f"an inline clip that is not base64: {exc}") from exc
