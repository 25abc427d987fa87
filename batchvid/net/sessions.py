"""What the API client and the link client share: sessions and limits. Sends nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import aiohttp
from yarl import URL

from batchvid.version import __version__

CONNECT_S = 15.0
POLL_KEEPALIVE_S = 75.0  # longer than a poll interval, so that polls reuse the connection


def create_session(
    keepalive_s: float, create_socket: Callable[[Any], socket.socket] | None = None
) -> aiohttp.ClientSession:
    """A session without cookies. Our own limits bound the connections: the pool does not queue in addition."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=keepalive_s, socket_factory=create_socket)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"batchvid/{__version__}"},
        requote_redirect_url=False,  # a signed link is only valid unchanged
    )


def api_url(base_url: str, path: str) -> URL:
    """The address of an API path, which is percent-encoded already."""
    return URL(base_url + path, encoded=True)
