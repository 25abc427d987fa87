"""Free requests to a provider: its list of models, and whether it responds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from batchvid.catalog import Provider, remote_listing
from batchvid.catalog.remote_listing import Listing
from batchvid.domain.wire import Request, Response
from batchvid.errors import UnreadableReply, WireError
from batchvid.net.access import ANONYMOUS, Access
from batchvid.net.transport import Transport

MODELS_PATH = "/v1/models"  # OpenAI-compatible, with the key: all such servers have it, and none charges for it
MAX_PAGES = 50  # bounds a list without an end
CALL_S = 10.0  # for one of many free calls
ALL_CALLS_S = 60.0  # for all of them
MAX_AT_ONCE = 4


async def probe(provider: Provider, request: Request, access: Access, *, prefix: str = "") -> Response:
    """One free call; any response shows that the provider is reachable. Raises WireError."""
    async with Transport() as transport:
        return await transport.send(provider.base_url + prefix, request, access)


async def send_all(
    base_url: str,
    requests: Mapping[str, Request],
    access: Access,
    *,
    call_s: float = CALL_S,
    total_s: float = ALL_CALLS_S,
) -> dict[str, Response]:
    """The replies to free calls by their name; those without a reply in time are left out. Follows no redirect.

    The first call goes out alone. Raises WireError if it has no reply.
    """
    first, *others = requests
    replies: dict[str, Response] = {}
    slots = asyncio.Semaphore(MAX_AT_ONCE)
    async with Transport() as transport:

        async def send(name: str) -> None:
            async with slots:
                replies[name] = await transport.send(
                    base_url, requests[name], access, read_timeout_s=call_s, total_timeout_s=call_s
                )

        async def send_quietly(name: str) -> None:
            with suppress(WireError):
                await send(name)

        await send(first)
        with suppress(TimeoutError):
            async with asyncio.timeout(total_s), asyncio.TaskGroup() as tasks:
                for name in others:
                    tasks.create_task(send_quietly(name))
    return replies


async def fetch_listing(provider: Provider, today: date, access: Access = ANONYMOUS) -> Listing:
    """The provider's current list of video models, which needs no key.

    Raises WireError if the request or the parsing fails.

    If the first response is only a page, requests further pages until one has nothing new.
    """
    found: dict[str, Mapping[str, Any]] = {}
    path, seen, total = remote_listing.PATH, 0, 0
    async with Transport() as transport:
        for number in range(2, MAX_PAGES + 2):
            reply = await transport.send(provider.base_url, Request(method="GET", path=path), access)
            if reply.status != 200:
                raise UnreadableReply(
                    f"{provider.base_url}{remote_listing.PATH} answers HTTP {reply.status}, not a list"
                )
            page = remote_listing.read_page(reply.body)
            before = len(found)
            found |= {str(row["id"]): row for row in page.rows}
            seen, total = seen + page.size, page.total
            if seen >= total or len(found) == before:
                break
            path = f"{remote_listing.PATH}?page={number}&page_size={page.size}"
    return Listing(
        fetched_on=today.isoformat(),
        source=f"the list of {provider.name}",
        provider=provider.name,
        models=tuple(remote_listing.video_rows(found.values())),
        missing=max(0, total - len(found)),
    )
