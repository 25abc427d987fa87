"""Opens downloads: links from replies, and content routes of the API. Knows no job and no retry.

The key is sent to the provider's own scheme, host and port only, and never follows a redirect; so is what goes through
its proxy. Its private CA is trusted for its links too: they may lead to a store with a certificate of the same CA.
Which addresses a link may lead to is decided in address_filter.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import aiohttp
from yarl import URL

from batchvid.catalog.provider import READ_TIMEOUT_S
from batchvid.errors import DownloadError, LinkRefused, WireError
from batchvid.net.access import Access
from batchvid.net.address_filter import BlockedAddress, is_public, socket_factory
from batchvid.net.sessions import CONNECT_S, POLL_KEEPALIVE_S, api_url, create_session

NEEDS_KEY = (401, 403)


def is_own_link(url: str, origin: str) -> bool:
    """Whether a link has the scheme, host and port of the provider at `origin`, and names no user of its own."""
    try:
        link, own = URL(url, encoded=True), URL(origin)
        names_user = link.user is not None or link.password is not None
        return bool(link.host) and not names_user and _origin_of(link) == _origin_of(own)
    except ValueError:
        return False


def _may_need_key(reply: aiohttp.ClientResponse) -> bool:
    is_json = 200 <= reply.status < 300 and reply.content_type == "application/json"
    return reply.status in NEEDS_KEY or (is_json and not reply.url.query_string)


def _origin_of(url: URL) -> tuple[str, str, int | None]:
    return url.scheme.lower(), (url.host or "").lower(), url.port


class LinkClient:
    """The downloads of one run. `content` is the session for the provider's own content routes; its owner closes it."""

    def __init__(self, content: aiohttp.ClientSession) -> None:
        self._content = content
        # a pool per address policy: one provider's links must not reuse a connection that is blocked for them
        self._links: dict[tuple[bool, bool], aiohttp.ClientSession] = {}
        self._is_private: dict[str, bool] = {}

    async def close(self) -> None:
        """Close the sessions for links."""
        await asyncio.gather(*(session.close() for session in self._links.values()))

    @asynccontextmanager
    async def open_link(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        origin: str,
        allow_private: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Start a download without a key; follows redirects, as CDNs use them.

        `origin`, the provider that named the link, decides which addresses each hop may lead to; `tls` trusts its
        private CA. Raises DownloadError, LinkRefused for a blocked address.
        """
        session = await self._link_session(origin, allow_private)
        async with self._open(session, url, headers, {"ssl": tls or True}, follow=True) as reply:
            yield reply

    @asynccontextmanager
    async def open_own_link(
        self,
        url: str,
        access: Access,
        headers: Mapping[str, str],
        *,
        origin: str,
        allow_private: bool = False,
        send_key: bool = True,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Start a download without the key, and again with it if the provider's own server answers 401 or 403.

        So it does for a 2xx with JSON where the link has no query that may be a signature: some vendors answer errors
        so. The key is sent only if `url` has the scheme, host and port of `origin`. Raises DownloadError, LinkRefused.
        """
        is_own = is_own_link(url, origin)
        if is_own and not access.is_direct:  # the way to the provider's own server
            anonymous = self._open_own(
                URL(url, encoded=True), access, headers, origin, allow_private=allow_private, with_key=False
            )
        else:
            anonymous = self.open_link(url, headers, origin=origin, allow_private=allow_private, tls=access.tls)
        async with anonymous as reply:
            if _may_need_key(reply) and is_own and send_key and access.has_key:
                own = URL(url, encoded=True)
                async with self._open_own(own, access, headers, origin, allow_private=allow_private) as keyed:
                    if keyed.status < 400 and not _may_need_key(keyed):
                        yield keyed
                        return
            yield reply

    @asynccontextmanager
    async def open_content(
        self, origin: str, path: str, access: Access, headers: Mapping[str, str], *, allow_private: bool = False
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Start a download of an API path with the key; follows a redirect without it, like a link.

        Raises DownloadError.
        """
        url = api_url(origin, path)
        async with self._open_own(url, access, headers, origin, allow_private=allow_private) as reply:
            yield reply

    @asynccontextmanager
    async def _open_own(
        self,
        url: URL,
        access: Access,
        headers: Mapping[str, str],
        origin: str,
        *,
        allow_private: bool,
        with_key: bool = True,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an address of the provider's own server, and what it redirects to like a link."""
        try:
            own_headers = await access.headers() if with_key else {}
        except WireError as exc:
            raise DownloadError(f"the download from {url.host} could not begin: {exc}") from exc
        opened = self._open(self._content, str(url), {**headers, **own_headers}, access.connection(), follow=False)
        async with opened as reply:
            if not 300 <= reply.status < 400 or "Location" not in reply.headers:
                yield reply
                return
            try:
                target = str(url.join(URL(reply.headers["Location"], encoded=True)))
            except ValueError:
                raise DownloadError(f"{url.host} redirects to an invalid address") from None
        async with self.open_link(target, headers, origin=origin, allow_private=allow_private, tls=access.tls) as reply:
            yield reply

    @asynccontextmanager
    async def _open(
        self,
        session: aiohttp.ClientSession,
        url: str,
        headers: Mapping[str, str],
        connection: Mapping[str, Any],
        *,
        follow: bool,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=READ_TIMEOUT_S)
        # identity: a compressed body has another length than the announced one, and Range would not match
        all_headers = {**headers, "Accept-Encoding": "identity"}
        try:
            async with session.get(
                URL(url, encoded=True),
                headers=all_headers,
                timeout=timeout,
                allow_redirects=follow,
                max_redirects=5,
                auto_decompress=False,  # a wrong Content-Encoding must not hide a good clip
                **connection,
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
                self._is_private[origin] = await is_private_origin(origin)
        policy = (self._is_private.get(origin, False), allow_private)
        if policy not in self._links:
            create_socket = socket_factory(origin_is_private=policy[0], allow=policy[1])
            self._links[policy] = create_session(POLL_KEEPALIVE_S, create_socket)
        return self._links[policy]


async def is_private_origin(origin: str) -> bool:
    """Whether a provider is in a private network. Raises OSError, ValueError if its name does not resolve."""
    addresses = await asyncio.get_running_loop().getaddrinfo(URL(origin).host, None, type=socket.SOCK_STREAM)
    return not any(is_public(ip_address(address[0])) for *_, address in addresses)


def _host(url: str) -> str:
    try:
        return URL(url, encoded=True).host or "nowhere"
    except ValueError:
        return "no address"
