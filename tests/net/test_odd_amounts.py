"""Balances and bills as no vendor should send them: no number is invented, and nothing breaks."""

from __future__ import annotations

from decimal import Decimal

import pytest
from aiohttp import web

from batchvid.catalog import Provider
from batchvid.catalog.account import BalanceApi
from batchvid.domain.bills import BillEntry
from batchvid.domain.wire import Response
from batchvid.errors import UnreadableReply
from batchvid.net.access import bearer
from batchvid.net.account_pages import QUOTA_PER_USD, charges, read_quota_per_usd
from batchvid.net.balances import read_balance
from tests.runner.servers import serving

PLACES: dict[BalanceApi, str] = {
    "openrouter": '{"data":{"total_credits":%s,"total_usage":%s}}',
    "new-api": '{"hard_limit_usd":%s,"total_usage":%s}',
    "luma": '{"credit_balance":%s,"else":%s}',
    "runway": '{"creditBalance":%s,"else":%s}',
}


@pytest.mark.parametrize("api", PLACES)
async def test_a_balance_that_is_no_amount_cannot_be_read(api: BalanceApi) -> None:
    """Infinite, not a number, too large, text, missing, or a web page; a plain one is read."""
    said = [""]

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=said[0], content_type="application/json")

    async with serving(answer) as server:
        provider = Provider(name="house", base_url=server.base_url, routes={"openrouter": ""}, balance=api)
        for value in ("NaN", "Infinity", "1e400", "-1e308", '"12"', "null", "true", "9" * 5000):
            said[0] = PLACES[api] % (value, value)
            with pytest.raises(UnreadableReply):
                await read_balance(provider, bearer("key"))
        for text in ("null", "[]", "<html>", ""):
            said[0] = text
            with pytest.raises(UnreadableReply):
                await read_balance(provider, bearer("key"))
        said[0] = PLACES[api] % (500, 100)
        assert await read_balance(provider, bearer("key")) in (400, 499, 5)


def test_a_task_on_two_pages_is_charged_once() -> None:
    """Its row changes while it runs, and moves to the next page; a charge below zero, or beyond all sense, is none."""
    rows = [
        {"task_id": "task-1", "quota": 500_000, "progress": "50%"},
        {"task_id": "task-1", "quota": 250_000, "progress": "100%"},
        {"task_id": "task-2", "quota": -500_000},
        {"task_id": "task-3", "quota": 10**30},
        {"task_id": "task-4", "quota": True},
    ]
    assert list(charges(rows, QUOTA_PER_USD)) == [BillEntry(task_id="task-1", usd=Decimal("0.5"))]


@pytest.mark.parametrize("value", ["Infinity", "NaN", "1e300", "0", '"5"', "null"])
def test_units_of_a_dollar_that_cannot_be_are_the_usual_ones(value: str) -> None:
    """Else a bill would be zero."""
    reply = Response(status=200, body=b'{"data":{"quota_per_unit":%s}}' % value.encode())
    assert read_quota_per_usd(reply) == QUOTA_PER_USD
