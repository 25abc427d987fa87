"""Fetches a table from the web, with limits of time and size. No key, no cookie. Knows no manifest.

A redirect may not lead into a private network, unless the address itself is in one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import aiohttp
from yarl import URL

from batchvid.errors import BatchvidError
from batchvid.manifest.reading.file_kinds import HEAD_BYTES, Kind, kind_of, kind_of_text
from batchvid.net.address_filter import socket_factory
from batchvid.net.link_client import is_private_origin
from batchvid.net.sessions import CONNECT_S, POLL_KEEPALIVE_S, create_session

MAX_TABLE_BYTES = 64 * 2**20
TOTAL_S = 60.0
MAX_REDIRECTS = 5
_PIECE_BYTES = 1 << 16


class TableNotFetched(BatchvidError):
    """The table cannot be fetched now. The message says why, without the address."""


def fetch_table(address: str, *, total_s: float = TOTAL_S, max_bytes: int = MAX_TABLE_BYTES) -> bytes:
    """The content at this address. Raises TableNotFetched.

    A web page counts as not fetched: a login or an error page came instead of the table. It runs in a thread of its
    own, because the caller's thread may have an event loop.
    """
    with ThreadPoolExecutor(max_workers=1) as threads:
        return threads.submit(asyncio.run, _fetch(address, total_s, max_bytes)).result()


async def _fetch(address: str, total_s: float, max_bytes: int) -> bytes:
    origin = str(URL(address).origin())
    try:
        create_socket = socket_factory(origin_is_private=await is_private_origin(origin), allow=False)
        async with create_session(POLL_KEEPALIVE_S, create_socket) as session:
            timeout = aiohttp.ClientTimeout(total=total_s, sock_connect=CONNECT_S)
            async with session.get(URL(address, encoded=True), timeout=timeout, max_redirects=MAX_REDIRECTS) as reply:
                if is_downgraded([hop.url for hop in (*reply.history, reply)]):
                    raise TableNotFetched("the server redirects to an unencrypted address")
                if reply.status != 200:
                    raise TableNotFetched(f"the server answers HTTP {reply.status}{_hint(reply.status)}")
                data = await _read(reply, max_bytes)
    except TimeoutError:
        raise TableNotFetched(f"the server did not answer within {total_s:g} seconds") from None
    except (aiohttp.ClientError, OSError, ValueError) as exc:  # its message may contain the link
        raise TableNotFetched(f"the server cannot be reached ({type(exc).__name__})") from exc
    return _checked(data)


def is_downgraded(hops: Sequence[URL]) -> bool:
    """Whether a redirect leads from an encrypted address to one that is not: somebody on the way may change prompts."""
    return hops[0].scheme == "https" and any(hop.scheme != "https" for hop in hops)


async def _read(reply: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    pieces, size = [], 0
    async for piece in reply.content.iter_chunked(_PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise TableNotFetched(f"it is larger than {max_bytes >> 20} MB")
    return b"".join(pieces)


def _checked(data: bytes) -> bytes:
    if not data.strip():
        raise TableNotFetched("the server answers with an empty file")
    head = data[:HEAD_BYTES]
    if kind_of(head).kind in (Kind.ZIP, Kind.OLE, Kind.GZIP):
        return data
    found = kind_of_text(head.decode("utf-8", "replace"))
    if "HTML" in found.name:
        raise TableNotFetched(
            f"the server answers with {found.name} instead of a table: share it with everyone who has the link, or "
            f"publish it as CSV"
        )
    return data


def _hint(status: int) -> str:
    if status in (401, 403):
        return ": share it with everyone who has the link"
    return ": the link is wrong, or the table was deleted" if status in (404, 410) else ""
