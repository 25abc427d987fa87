"""Free requests to a provider: whether it responds, and how."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from batchvid.catalog import Provider
from batchvid.domain.wire import Request, Response
from batchvid.errors import WireError
from batchvid.net.access import Access
from batchvid.net.transport import Transport

MODELS_PATH = "/v1/models"  # OpenAI-compatible, with the key: all such servers have it, and none charges for it
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
