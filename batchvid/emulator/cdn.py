"""Delivers clips: signed links without a key (like a CDN), ranges, and faults of the bytes."""

from __future__ import annotations

import asyncio
import contextlib
from email.utils import formatdate
from functools import partial
from typing import cast, get_args

from aiohttp import hdrs, web

from batchvid.emulator.fault_injection import apply_fault, reset
from batchvid.emulator.fault_rules import FaultAction
from batchvid.emulator.links import PREFIX
from batchvid.emulator.rendering.clips import Clip, Clips, Variant
from batchvid.emulator.replies import html, reply
from batchvid.emulator.service import EmulatorService
from batchvid.emulator.task import Task

CHUNK_BYTES = 256 * 1024
SLOW_STEP_S = 0.02
VARIANTS = ("video", *get_args(Variant))
HOP = "hop"  # query parameter of a link that has been redirected, so that it is not redirected again
NO_FAULT = FaultAction()
ONE_DAY = "public, max-age=86400"
_REFUSALS = {"auth": 403, "rate": 429, "concurrency": 429, "unavailable": 503}
_LINK_ERRORS = {
    "forged": "The signature does not match.",
    "expired": "Request has expired",
    "spent": "This link was good for one download only",
}


def register(router: web.UrlDispatcher, service: EmulatorService) -> None:
    """Add the CDN's only path."""
    router.add_get(PREFIX + "/{token}/{id}.mp4", partial(_download, service))


async def deliver_content(
    clips: Clips, request: web.Request, task: Task, variant: str, action: FaultAction | None
) -> web.StreamResponse:
    """The clip, or a picture of it, through the API: complete, without ranges."""
    if variant != "video":
        picture = await clips.picture(task, cast("Variant", variant))
        return web.Response(body=picture, content_type="image/jpeg", headers={hdrs.CACHE_CONTROL: ONE_DAY})
    return await _deliver(clips, request, task, action or NO_FAULT, ranges=False)


def _refuse(kind: str, message: str) -> web.Response:
    """Object stores answer in XML and have few codes."""
    status = _REFUSALS.get(kind, 400)
    return _xml(status, "AccessDenied" if status == 403 else "SlowDown", message or kind)


async def _download(service: EmulatorService, request: web.Request) -> web.StreamResponse:
    task = service.store.any(request.match_info["id"])
    if task is None:
        return _xml(404, "NoSuchKey", "The specified key does not exist.")
    if request.method == hdrs.METH_GET:
        service.ledger.count("downloads", task.family, task.route)
    if hdrs.AUTHORIZATION in request.headers:
        service.ledger.key_leaks += 1
        return _xml(400, "InvalidArgument", "Only one auth mechanism allowed: a key was sent with a signed link")
    token, query = request.match_info["token"], request.query
    status = service.links.status(token, task.id, query.get("expires", ""), query.get("sig", ""), service.clock())
    if status != "good":
        return _xml(403, "AccessDenied", _LINK_ERRORS[status])
    action = service.faults.match_fault("download", task.family, task, task.id)
    if action is not None and action.valid_once:
        service.links.spend(token)
    act = partial(_deliver, service.clips, request, task, action or NO_FAULT, ranges=True)
    return await apply_fault(action, request, act, _refuse)


async def _deliver(
    clips: Clips, request: web.Request, task: Task, action: FaultAction, *, ranges: bool
) -> web.StreamResponse:
    wrong = _no_clip(action, request)
    if wrong is not None:
        return wrong
    await asyncio.sleep(action.delay_s)
    try:
        if action.endless:
            return await _endless(request)
        clip = await clips.of(task)
        with clip.file:
            return await _stream(request, clip, action, ranges=ranges and not action.no_range)
    except ConnectionError:  # the client has disconnected; aiohttp would log an error
        return reset(request)


def _no_clip(action: FaultAction, request: web.Request) -> web.Response | None:
    if action.expired:
        return _xml(403, "AccessDenied", _LINK_ERRORS["expired"])
    if action.json_200:
        return reply({"error": {"message": "The video is not available", "type": "server_error"}})
    if action.html_200:
        return html(200)
    if action.zero:
        return web.Response(body=b"", content_type="video/mp4")
    if action.redirect and HOP not in request.query:
        other_host = "localhost" if request.url.host == "127.0.0.1" else "127.0.0.1"
        target = request.url.with_host(other_host).update_query({HOP: "1"})
        return web.Response(status=302, headers={hdrs.LOCATION: str(target)})
    return None


async def _stream(request: web.Request, clip: Clip, action: FaultAction, *, ranges: bool) -> web.StreamResponse:
    headers = {
        hdrs.ETAG: clip.etag,
        hdrs.LAST_MODIFIED: formatdate(clip.modified_at, usegmt=True),
        hdrs.CACHE_CONTROL: ONE_DAY,
        hdrs.CONTENT_TYPE: "text/plain; charset=utf-8" if action.wrong_type else "video/mp4",
        **action.headers,
    }
    part = range(clip.size_bytes)
    response = web.StreamResponse(headers=headers)
    if ranges:
        response.headers[hdrs.ACCEPT_RANGES] = "bytes"
        wanted = _requested_range(request, clip)
        if wanted is not None and not wanted:
            return web.Response(status=416, headers={hdrs.CONTENT_RANGE: f"bytes */{clip.size_bytes}"})
        if wanted is not None:
            part = wanted
            response.set_status(206)
            response.headers[hdrs.CONTENT_RANGE] = f"bytes {part.start}-{part.stop - 1}/{clip.size_bytes}"
    if action.chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(part)
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    await _send(response, clip, part[: len(part) // 2] if action.truncate else part, action.slow)
    if action.truncate:
        await asyncio.sleep(SLOW_STEP_S)  # send what is written before the reset
        return reset(request)
    await response.write_eof()
    return response


async def _send(response: web.StreamResponse, clip: Clip, part: range, bytes_per_s: float) -> None:
    offset = part.start
    step = max(1, int(bytes_per_s * SLOW_STEP_S)) if bytes_per_s else CHUNK_BYTES
    while offset < part.stop:
        data = clip.read(offset, min(step, part.stop - offset))
        await response.write(data)
        offset += len(data)
        if bytes_per_s:
            await asyncio.sleep(SLOW_STEP_S)


async def _endless(request: web.Request) -> web.StreamResponse:
    """Starts like a clip and never ends; only the client can end it."""
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "video/mp4"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2")
    while True:
        await response.write(bytes(CHUNK_BYTES))
        await asyncio.sleep(0)


def _requested_range(request: web.Request, clip: Clip) -> range | None:
    """The single requested range, limited to the clip; None for none, several, or one for another version."""
    version = request.headers.get(hdrs.IF_RANGE, clip.etag)
    if hdrs.RANGE in request.headers and version in (clip.etag, formatdate(clip.modified_at, usegmt=True)):
        with contextlib.suppress(ValueError):
            return range(clip.size_bytes)[request.http_range]
    return None


def _xml(status: int, code: str, message: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return web.Response(text=text, status=status, content_type="application/xml")
