"""The only client socket: sends API requests, opens downloads. Knows no dialect, no job and no retry.

Only this module adds the key, and only to requests below the provider's base URL: never to a redirect or to a link
from a reply. Which addresses such a link may lead to is decided in address_filter.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from ipaddress import ip_address
from typing import Any, Self, cast

import aiohttp
import orjson
from yarl import URL

from batchvid.catalog.provider import READ_TIMEOUT_S, TOTAL_TIMEOUT_S
from batchvid.domain.wire import Request, Response
from batchvid.errors import DownloadError, LinkRefused, NotSent, ReplyLost, ReplyTooLarge, WireError
from batchvid.net.address_filter import BlockedAddress, is_public, socket_factory
from batchvid.version import __version__

CONNECT_S = 15.0
MAX_REPLY_BYTES = 32 * 1024 * 1024  # a reply may carry a whole small clip as a data: URI, never more than this
POLL_KEEPALIVE_S = 75.0  # longer than a poll interval, so that polls reuse the connection
SMALL_FORM_BYTES = 64 * 1024  # is sent in one piece: aiohttp needs four writes for each field of a form
SUBMIT_KEEPALIVE_S = 2.0  # shorter than any server's: a connection that closes during a submit makes it uncertain


class Transport:
    """Open as an async context manager; one per run."""

    def __init__(self) -> None:
        self._polls = _session(POLL_KEEPALIVE_S)
        self._submits = _session(SUBMIT_KEEPALIVE_S)
        # a pool per address policy: one provider's links must not reuse a connection that is blocked for them
        self._links: dict[tuple[bool, bool], aiohttp.ClientSession] = {}
        self._is_private: dict[str, bool] = {}
        self._open_calls: set[asyncio.Timeout] = set()
        self._last_end_at: float | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(session.close() for session in (self._polls, self._submits, *self._links.values())))

    def shorten_calls(self, seconds: float) -> None:
        """End every API call, open or later, in so many seconds at the latest; its reply is lost then."""
        self._last_end_at = asyncio.get_running_loop().time() + seconds
        for call in self._open_calls:
            if (ends_at := call.when()) is None or ends_at > self._last_end_at:
                call.reschedule(self._last_end_at)

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
        key: str,
        *,
        read_timeout_s: float = READ_TIMEOUT_S,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
    ) -> Response:
        """One API call with its whole reply, whatever the HTTP status. Redirects are not followed.

        Raises NotSent if certainly nothing reached the server, ReplyLost if it may have acted (also after no data for
        `read_timeout_s` seconds, or without a complete reply after `total_timeout_s`), ReplyTooLarge.
        """
        session = self._submits if request.method == "POST" else self._polls
        timeout = _timeout(read_timeout_s)
        headers = {**request.headers, **_bearer(key)}
        data: bytes | aiohttp.MultipartWriter | None = None
        if request.parts:
            data = _form(request)
            if sum(len(part.value) for part in request.parts) <= SMALL_FORM_BYTES:
                headers["Content-Type"] = data.content_type
                data = await data.as_bytes()
        elif request.json is not None:
            data = orjson.dumps(request.json)
            headers["Content-Type"] = "application/json"
        try:
            async with self._limit(origin, total_timeout_s), session.request(
                request.method, _url(origin, request.path), headers=headers, data=data, timeout=timeout,
                allow_redirects=False,
            ) as reply:  # fmt: skip
                body = await _bounded(reply)
                return Response(status=reply.status, headers=reply.headers, body=body)
        except WireError:
            raise
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as exc:
            raise NotSent(f"no connection to {origin}: {_message(exc)}") from exc
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as exc:
            raise ReplyLost(f"no reply from {origin}: {_message(exc)}") from exc

    @asynccontextmanager
    async def open_link(
        self, url: str, headers: Mapping[str, str], *, origin: str, allow_private: bool = False
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Start a download without a key; follows redirects, as CDNs use them.

        `origin`, the provider that named the link, decides which addresses each hop may lead to. Raises DownloadError,
        LinkRefused for a blocked address.
        """
        async with self._open(await self._link_session(origin, allow_private), url, headers, follow=True) as reply:
            yield reply

    @asynccontextmanager
    async def open_content(
        self, origin: str, path: str, key: str, headers: Mapping[str, str], *, allow_private: bool = False
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Start a download of an API path with the key; follows a redirect without it, like a link.

        Raises DownloadError.
        """
        url = _url(origin, path)
        async with self._open(self._polls, str(url), {**headers, **_bearer(key)}, follow=False) as reply:
            if not 300 <= reply.status < 400 or "Location" not in reply.headers:
                yield reply
                return
            try:
                target = str(url.join(URL(reply.headers["Location"], encoded=True)))
            except ValueError:
                raise DownloadError(f"{url.host} redirects to an invalid address") from None
        async with self.open_link(target, headers, origin=origin, allow_private=allow_private) as reply:
            yield reply

    @asynccontextmanager
    async def _open(
        self, session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], *, follow: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=READ_TIMEOUT_S)
        # identity: a compressed body has another length than the announced one, and Range would not match
        all_headers = {**headers, "Accept-Encoding": "identity"}
        try:
            async with session.get(
                URL(url, encoded=True), headers=all_headers, timeout=timeout, allow_redirects=follow, max_redirects=5
            ) as reply:
                yield reply
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as exc:
            # without the exception's message: it may contain the signed link
            if isinstance(exc, aiohttp.ClientConnectorError) and isinstance(exc.os_error, BlockedAddress):
                raise LinkRefused(
                    f"the link leads to {exc.host}, which is {exc.os_error}: if that server is yours, "
                    f"set allow_private_links: true for the provider"
                ) from exc
            raise DownloadError(f"the download from {_host(url)} broke off: {type(exc).__name__}") from exc

    async def _link_session(self, origin: str, allow_private: bool) -> aiohttp.ClientSession:
        """The session for links of the provider at `origin`."""
        if origin not in self._is_private:
            with contextlib.suppress(OSError, ValueError):  # looked up again next time; until then it counts as public
                self._is_private[origin] = await _is_private(origin)
        policy = (self._is_private.get(origin, False), allow_private)
        if policy not in self._links:
            create_socket = socket_factory(origin_is_private=policy[0], allow=policy[1])
            self._links[policy] = _session(POLL_KEEPALIVE_S, create_socket)
        return self._links[policy]


def _session(keepalive_s: float, create_socket: Callable[[Any], socket.socket] | None = None) -> aiohttp.ClientSession:
    # limit=0: our own limits bound the connections; the pool must not queue in addition
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=keepalive_s, socket_factory=create_socket)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"batchvid/{__version__}"},
        requote_redirect_url=False,  # a signed link is only valid unchanged
    )


async def _is_private(origin: str) -> bool:
    """Whether a provider is in a private network. Raises OSError, ValueError if its name does not resolve."""
    addresses = await asyncio.get_running_loop().getaddrinfo(URL(origin).host, None, type=socket.SOCK_STREAM)
    return not any(is_public(ip_address(address[0])) for *_, address in addresses)


def _url(origin: str, path: str) -> URL:
    return URL(origin + path, encoded=True)


@cache
def _timeout(read_timeout_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=read_timeout_s)


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _form(request: Request) -> aiohttp.MultipartWriter:
    # without default_to_multipart, a form without a file is sent urlencoded
    form = aiohttp.FormData(default_to_multipart=True)
    for part in request.parts:
        if part.filename:
            form.add_field(part.name, part.value, filename=part.filename, content_type=part.content_type or None)
        else:
            form.add_field(part.name, part.value.decode(), content_type=part.content_type or None)
    return cast("aiohttp.MultipartWriter", form())


async def _bounded(reply: aiohttp.ClientResponse) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in reply.content.iter_any():
        size += len(piece)
        if size > MAX_REPLY_BYTES:
            reply.close()
            raise ReplyTooLarge(f"the reply of {reply.url.host} is larger than {MAX_REPLY_BYTES} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _host(url: str) -> str:
    try:
        return URL(url, encoded=True).host or "nowhere"
    except ValueError:
        return "no address"


def _message(exc: BaseException) -> str:
    return str(exc) or type(exc).__name__
