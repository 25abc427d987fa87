"""Sends API requests, with the key, below the provider's base URL. Knows no dialect, no job and no retry.

link_client.py opens downloads. No other module has a client socket.
"""

from __future__ import annotations

import asyncio
import io
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Self, cast

import aiohttp
import orjson

from batchvid.catalog.provider import READ_TIMEOUT_S, TOTAL_TIMEOUT_S
from batchvid.clock import utc_now
from batchvid.dialects.common.json_bodies import MAX_BYTES, inflate
from batchvid.domain.wire import Request, Response
from batchvid.errors import NotSent, ReplyCut, ReplyLost, ReplyTooLarge, WireError
from batchvid.net.access import Access
from batchvid.net.large_replies import LARGE_REPLY_BYTES, LargeReplies
from batchvid.net.link_client import LinkClient
from batchvid.net.sessions import CONNECT_S, POLL_KEEPALIVE_S, api_url, create_session

NO_RELAY_RETRIES = {"x-litellm-num-retries": "0"}
"""Sent with every paid call: a LiteLLM proxy repeats a failed call by its own settings, twice by default, and each may
buy a task. This header outranks them (docs.litellm.ai/docs/proxy/request_headers); other servers ignore it."""
SMALL_FORM_BYTES = 64 * 1024  # is sent in one piece: aiohttp needs four writes for each field of a form
SUBMIT_KEEPALIVE_S = 2.0  # shorter than any server's: a connection that closes during a submit makes it uncertain

_NO_CONNECTION = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.ClientHttpProxyError,  # the proxy opens no tunnel
)


class Transport:
    """Open as an async context manager; one per run. `links` opens downloads.

    `large_replies` bounds the memory of replies that hold clips.
    """

    def __init__(self) -> None:
        self._polls = create_session(POLL_KEEPALIVE_S)
        self._submits = create_session(SUBMIT_KEEPALIVE_S)
        self.links = LinkClient(self._polls)
        self.large_replies = LargeReplies()
        self._open_calls: set[asyncio.Timeout] = set()
        self._last_end_at: float | None = None
        self._open_downloads: set[asyncio.Timeout] = set()
        self._max_silence_s = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(self._polls.close(), self._submits.close(), self.links.close())

    def shorten_calls(self, seconds: float) -> None:
        """End every API call, open or later, in so many seconds at the latest; its reply is lost then.

        A download may last as long as it makes progress: see `download_limit`.
        """
        self._last_end_at = asyncio.get_running_loop().time() + seconds
        self._max_silence_s = seconds
        for call in (*self._open_calls, *self._open_downloads):
            ends_at = call.when()
            if not call.expired() and (ends_at is None or ends_at > self._last_end_at):
                call.reschedule(self._last_end_at)

    @asynccontextmanager
    async def download_limit(self, seconds: float) -> AsyncIterator[asyncio.Timeout]:
        """Bound a download, until `extend_download`. Raises TimeoutError."""
        ends_at = asyncio.get_running_loop().time() + seconds
        async with asyncio.timeout_at(min(ends_at, self._last_end_at or math.inf)) as call:
            self._open_downloads.add(call)
            try:
                yield call
            finally:
                self._open_downloads.discard(call)

    def extend_download(self, call: asyncio.Timeout, ends_at: float, *, bytes_arrived: bool = True) -> None:
        """The download may last until `ends_at`; after an interrupt for some seconds more if `bytes_arrived`."""
        if self._last_end_at is not None:
            more = asyncio.get_running_loop().time() + self._max_silence_s
            ends_at = min(ends_at, more if bytes_arrived else self._last_end_at)
        if not call.expired():
            call.reschedule(ends_at)

    @asynccontextmanager
    async def _limit(self, origin: str, total_timeout_s: float) -> AsyncIterator[None]:
        """Bound the whole of a call: a reply that drips is never silent. Raises NotSent after the last end."""
        now = asyncio.get_running_loop().time()
        ends_at = now + total_timeout_s
        if self._last_end_at is not None:
            ends_at = min(ends_at, self._last_end_at)
            if ends_at <= now:
                raise NotSent(f"nothing was sent to {origin}: the run was interrupted")
        call = asyncio.timeout_at(ends_at)
        self._open_calls.add(call)
        try:
            async with call:
                yield
        except TimeoutError as exc:
            if not call.expired():
                raise
            seconds = asyncio.get_running_loop().time() - now
            raise ReplyLost(f"no complete reply from {origin} within {seconds:.0f} s") from exc
        finally:
            self._open_calls.discard(call)

    async def send(
        self,
        origin: str,
        request: Request,
        access: Access,
        *,
        read_timeout_s: float = READ_TIMEOUT_S,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
    ) -> Response:
        """One API call with its whole reply, whatever the HTTP status. Redirects are not followed.

        `access` is of the provider at `origin`. Raises NotSent if certainly nothing
        reached the server, ReplyLost if it may have acted (also after no data for
        `read_timeout_s` seconds, or without a complete reply after `total_timeout_s`), ReplyTooLarge.
        """
        session = self._submits if request.is_paid else self._polls
        timeout = _timeout(read_timeout_s)
        headers = {
            "Accept-Encoding": "gzip",
            **(NO_RELAY_RETRIES if request.is_paid else {}),
            **request.headers,
            **await access.headers(),
        }
        data: bytes | io.BytesIO | aiohttp.MultipartWriter | None = None
        if request.parts:
            data = _form(request)
            if sum(len(part.value) for part in request.parts) <= SMALL_FORM_BYTES:
                headers["Content-Type"] = data.content_type
                data = await data.as_bytes()
        elif request.json is not None:
            body = orjson.dumps(request.json)
            data = body if len(body) <= SMALL_FORM_BYTES else io.BytesIO(body)  # aiohttp writes a stream in pieces
            headers["Content-Type"] = "application/json"
        head: aiohttp.ClientResponse | None = None
        pieces: list[bytes] = []
        try:
            async with self._limit(origin, total_timeout_s), session.request(
                request.method, api_url(origin, request.path), headers=headers, data=data, timeout=timeout,
                allow_redirects=False, auto_decompress=False, **access.connection(),
            ) as reply:  # fmt: skip
                head = reply
                body = await self._receive(reply, pieces, request.max_reply_bytes)
                return Response(status=reply.status, headers=reply.headers, body=body, received_at=utc_now())
        except (NotSent, ReplyTooLarge):
            raise
        except WireError as exc:
            if head is not None and pieces:  # what came may name a task
                body = inflate(b"".join(pieces))
                raise ReplyCut(str(exc), status=head.status, headers=head.headers, body=body) from exc
            raise
        except _NO_CONNECTION as exc:
            way = " through its proxy" if access.proxy else ""
            raise NotSent(f"no connection to {origin}{way}: {_message(exc)}") from exc
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as exc:
            raise ReplyLost(f"no reply from {origin}: {_message(exc)}") from exc

    async def _receive(self, reply: aiohttp.ClientResponse, pieces: list[bytes], max_bytes: int) -> bytes:
        """Append the body as it comes; return the whole. Raises ReplyLost if it breaks off, ReplyTooLarge."""
        size, is_large = 0, False
        async with AsyncExitStack() as stack:
            try:
                async for piece in reply.content.iter_any():
                    size += len(piece)
                    if size > max_bytes:
                        reply.close()
                        raise ReplyTooLarge(f"the reply of {reply.url.host} is larger than {max_bytes} bytes")
                    pieces.append(piece)
                    if size > LARGE_REPLY_BYTES and not is_large:
                        is_large = True
                        await stack.enter_async_context(self.large_replies.slot())
            except (aiohttp.ClientError, OSError) as exc:
                raise ReplyLost(f"the reply of {reply.url.host} is cut off: {_message(exc)}") from exc
            body = b"".join(pieces)
            pieces.clear()
            return inflate(body, max(MAX_BYTES, max_bytes))


@cache
def _timeout(read_timeout_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=read_timeout_s)


def _form(request: Request) -> aiohttp.MultipartWriter:
    # without default_to_multipart, a form without a file is sent urlencoded
    form = aiohttp.FormData(default_to_multipart=True)
    for part in request.parts:
        if part.filename:
            form.add_field(part.name, part.value, filename=part.filename, content_type=part.content_type or None)
        else:
            form.add_field(part.name, part.value.decode(), content_type=part.content_type or None)
    return cast("aiohttp.MultipartWriter", form())


def _message(exc: BaseException) -> str:
    if isinstance(exc, aiohttp.ClientHttpProxyError):  # its text has the proxy's address, with the password
        return f"it answers HTTP {exc.status}"
    return str(exc) or type(exc).__name__
