"""A host of clips for tests: serves bytes with ETag and Range, breaks off where configured, counts what it sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.runner.servers import Served, serving


@dataclass
class Cdn:
    """What it does; changed between requests. `break_after` is counted per reply, in bytes of its body.

    `answers_from` is where a part begins that it sends whatever was asked, `status` what it says instead of a clip.
    """

    data: bytes
    etag: str = '"v1"'
    last_modified: str = ""
    ranges: bool = True
    heeds_if_range: bool = True
    chunked: bool = False
    break_after: int | None = None
    answers_from: int | None = None
    status: int = 0
    content_type: str = "video/mp4"
    sent: list[int] = field(default_factory=list)
    """Bytes of body sent, one number a reply."""
    server: Served = field(default_factory=lambda: Served(""))

    @property
    def link(self) -> str:
        """Where the clip is, signed."""
        return self.server.base_url + "/a.mp4?Signature=s1gned"

    @property
    def wanted(self) -> list[str | None]:
        """The Range header of each request."""
        return [headers.get("Range") for _, _, headers in self.server.asked]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One reply."""
        if self.status:
            return web.Response(status=self.status, text="no")
        begin = self._begin(request)
        if begin > 0 and begin >= len(self.data):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(self.data)}"})
        body = self.data[begin:]
        reply = web.StreamResponse(status=206 if begin else 200, headers={"Content-Type": self.content_type})
        if begin:
            reply.headers["Content-Range"] = f"bytes {begin}-{len(self.data) - 1}/{len(self.data)}"
        if self.etag:
            reply.headers["ETag"] = self.etag
        if self.last_modified:
            reply.headers["Last-Modified"] = self.last_modified
        if not self.chunked:
            reply.content_length = len(body)
        await reply.prepare(request)
        part = body if self.break_after is None else body[: self.break_after]
        if part:
            await reply.write(part)
        self.sent.append(len(part))
        if self.break_after is not None and self.chunked:
            await reply.write_eof()  # a proxy in between that ends the reply as if it were whole
        elif self.break_after is not None and request.transport is not None:
            request.transport.close()
        return reply

    def _begin(self, request: web.Request) -> int:
        wanted = request.headers.get("Range", "")
        if not self.ranges or not wanted:
            return 0
        if self.heeds_if_range and request.headers.get("If-Range") not in (self.etag, self.last_modified):
            return 0
        asked = int(wanted.removeprefix("bytes=").removesuffix("-"))
        return asked if self.answers_from is None else self.answers_from


@asynccontextmanager
async def cdn_of(data: bytes) -> AsyncIterator[Cdn]:
    """A running one."""
    cdn = Cdn(data)
    async with serving(cdn.answer) as server:
        cdn.server = server
        yield cdn
