"""Delivering clips: signed links without a key (like a CDN), ranges, and all that can go wrong with bytes."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from email.utils import formatdate
from typing import get_args

import orjson
from aiohttp import hdrs, web

from batchvid.emulator.fault_injection import carry_out, reset
from batchvid.emulator.fault_rules import Deed
from batchvid.emulator.links import PREFIX
from batchvid.emulator.rendering.clips import Clip, Clips, Variant
from batchvid.emulator.replies import HTML_PAGE
from batchvid.emulator.service import Desk
from batchvid.emulator.task import Task

CHUNK_BYTES = 256 * 1024
SLOW_STEP_S = 0.02
VARIANTS = ("video", *get_args(Variant))
HOP = "hop"
"""Marks a link that has been redirected once, so that it is not again."""
HONEST = Deed()
ONE_DAY = "public, max-age=86400"
_REFUSALS = {"auth": 403, "rate": 429, "concurrency": 429, "unavailable": 503}


def register(router: web.UrlDispatcher, desk: Desk, clips: Clips) -> None:
    """Put the CDN's only path up."""

    async def download(request: web.Request) -> web.StreamResponse:
        return await _download(desk, clips, request)

    router.add_get(PREFIX + "/{token}/{id}.mp4", download)


async def deliver_content(
    clips: Clips, request: web.Request, task: Task, variant: str, deed: Deed | None
) -> web.StreamResponse:
    """The clip, or a picture of it, through the API: whole, whatever range is asked for."""
    if variant in ("thumbnail", "spritesheet"):
        picture = await clips.picture(task, "thumbnail" if variant == "thumbnail" else "spritesheet")
        return web.Response(body=picture, content_type="image/jpeg", headers={hdrs.CACHE_CONTROL: ONE_DAY})
    return await _deliver(clips, request, task, deed or HONEST, ranges=False)


def _refuse(kind: str, message: str) -> web.Response:
    """Object stores answer in XML and know few words."""
    status = _REFUSALS.get(kind, 400)
    return _xml(status, "AccessDenied" if status == 403 else "SlowDown", message or kind)


async def _download(desk: Desk, clips: Clips, request: web.Request) -> web.StreamResponse:
    task = desk.store.any(request.match_info["id"])
    if task is None:
        return _xml(404, "NoSuchKey", "The specified key does not exist.")
    if request.method == hdrs.METH_GET:
        desk.ledger.downloaded(task.family, task.route)
    if hdrs.AUTHORIZATION in request.headers:
        desk.ledger.key_leaks += 1
        return _xml(400, "InvalidArgument", "Only one auth mechanism allowed: a key was sent with a signed link")
    token = request.match_info["token"]
    query = request.query
    verdict = desk.links.judge(token, task.id, query.get("expires", ""), query.get("sig", ""), desk.clock())
    if verdict != "good":
        return _xml(403, "AccessDenied", _VERDICTS[verdict])
    deed = desk.faults.strike("download", family=task.family, prompt=task.prompt, model=task.model, subject=task.id)
    if deed is not None and deed.valid_once:
        desk.links.spend(token)

    async def act() -> web.StreamResponse:
        return await _deliver(clips, request, task, deed or HONEST, ranges=True)

    return await carry_out(deed, request, act, _refuse)


_VERDICTS = {
    "forged": "The signature does not match.",
    "expired": "Request has expired",
    "spent": "This link was good for one download only",
}


async def _deliver(clips: Clips, request: web.Request, task: Task, deed: Deed, *, ranges: bool) -> web.StreamResponse:
    dud = _dud(deed, request)
    if dud is not None:
        return dud
    await asyncio.sleep(deed.delay_s)
    try:
        if deed.endless:
            return await _endless(request)
        clip = await clips.of(task)
        with clip.file:
            return await _stream(request, clip, deed, ranges=ranges and not deed.no_range)
    except ConnectionError:  # the client has gone, which is no mistake of ours: aiohttp would log it as one
        return reset(request)


def _dud(deed: Deed, request: web.Request) -> web.Response | None:
    """Answers that are no clip at all."""
    if deed.expired:
        return _xml(403, "AccessDenied", _VERDICTS["expired"])
    if deed.json_200:
        body = orjson.dumps({"error": {"message": "The video is not available", "type": "server_error"}})
        return web.Response(body=body, content_type="application/json")
    if deed.html_200:
        return web.Response(body=HTML_PAGE, content_type="text/html")
    if deed.zero:
        return web.Response(body=b"", content_type="video/mp4")
    if deed.redirect and HOP not in request.query:
        other_host = "localhost" if request.url.host == "127.0.0.1" else "127.0.0.1"
        target = request.url.with_host(other_host).update_query({HOP: "1"})
        return web.Response(status=302, headers={hdrs.LOCATION: str(target)})
    return None


async def _stream(request: web.Request, clip: Clip, deed: Deed, *, ranges: bool) -> web.StreamResponse:
    headers = {
        hdrs.ETAG: clip.etag,
        hdrs.LAST_MODIFIED: formatdate(clip.modified_at, usegmt=True),
        hdrs.CACHE_CONTROL: ONE_DAY,
        hdrs.CONTENT_TYPE: "text/plain; charset=utf-8" if deed.wrong_type else "video/mp4",
        **deed.headers,
    }
    part = Span(0, clip.size_bytes)
    response = web.StreamResponse(headers=headers)
    if ranges:
        response.headers[hdrs.ACCEPT_RANGES] = "bytes"
        asked = _asked_span(request, clip)
        if asked is not None and asked.length <= 0:
            return web.Response(status=416, headers={hdrs.CONTENT_RANGE: f"bytes */{clip.size_bytes}"})
        if asked is not None:
            part = asked
            response.set_status(206)
            response.headers[hdrs.CONTENT_RANGE] = f"bytes {part.start}-{part.end - 1}/{clip.size_bytes}"
    if deed.chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = part.length
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    end = part.start + part.length // 2 if deed.truncate else part.end
    await _send(response, clip, Span(part.start, end), deed.slow)
    if deed.truncate:
        await asyncio.sleep(SLOW_STEP_S)  # what was written has left the house before the line is cut
        return reset(request)
    await response.write_eof()
    return response


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes from `start` up to, but without, `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many bytes that are."""
        return self.end - self.start


async def _send(response: web.StreamResponse, clip: Clip, part: Span, bytes_per_s: float) -> None:
    offset = part.start
    step = max(1, int(bytes_per_s * SLOW_STEP_S)) if bytes_per_s else CHUNK_BYTES
    while offset < part.end:
        data = clip.read(offset, min(step, part.end - offset))
        await response.write(data)
        offset += len(data)
        if bytes_per_s:
            await asyncio.sleep(SLOW_STEP_S)


async def _endless(request: web.Request) -> web.StreamResponse:
    """Starts like a clip and never ends; only the reader can."""
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "video/mp4"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2")
    while True:
        await response.write(bytes(CHUNK_BYTES))
        await asyncio.sleep(0)


def _asked_span(request: web.Request, clip: Clip) -> Span | None:
    """The one range that is asked for, cut to the clip; None for none, several, or one for another version."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get(hdrs.RANGE, "").replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    condition = request.headers.get(hdrs.IF_RANGE)
    if condition is not None and condition not in (clip.etag, formatdate(clip.modified_at, usegmt=True)):
        return None
    if not found[1]:
        return Span(max(0, clip.size_bytes - int(found[2])), clip.size_bytes)
    end = min(int(found[2]) + 1, clip.size_bytes) if found[2] else clip.size_bytes
    return Span(int(found[1]), end)


def _xml(status: int, code: str, message: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return web.Response(text=text, status=status, content_type="application/xml")
