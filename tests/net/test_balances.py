"""The balance of an account, as each vendor's page tells it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from batchvid import catalog
from batchvid.errors import UnreadableReply
from batchvid.net.access import ANONYMOUS
from batchvid.net.balances import read_balance
from tests.runner.servers import serving

PAGES: dict[str, dict[str, Any]] = {
    "openrouter": {"/v1/credits": {"data": {"total_credits": 20, "total_usage": 7.5}}},
    "runway": {"/v1/organization": {"creditBalance": 1250, "tier": {}}},
    "luma": {"/credits": {"credit_balance": 1250}},
    "new-api": {
        "/v1/dashboard/billing/subscription": {"hard_limit_usd": 20},
        "/v1/dashboard/billing/usage": {"total_usage": 750},
    },
}


@pytest.mark.parametrize("api", PAGES)
async def test_a_balance(api: str) -> None:
    """Credits and cents are dollars; a page without the number is no balance."""
    pages = dict(PAGES[api])

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(pages[request.path]) if request.path in pages else web.Response(status=404)

    async with serving(answer) as server:
        row = {"base_url": server.base_url, "dialect": "luma", "balance": api}
        provider = catalog.providers({"house": row})["house"]
        assert await read_balance(provider, ANONYMOUS) == Decimal("12.5")
        pages = {path: {} for path in pages}
        with pytest.raises(UnreadableReply, match="has no"):
            await read_balance(provider, ANONYMOUS)


async def test_an_account_without_a_limit() -> None:
    """CometAPI's own client reads a limit of 10^8 as none."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"hard_limit_usd": 100_000_000, "total_usage": 1})

    async with serving(answer) as server:
        row = {"base_url": server.base_url, "dialect": "veo", "balance": "new-api"}
        assert await read_balance(catalog.providers({"house": row})["house"], ANONYMOUS) is None
