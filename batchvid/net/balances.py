"""Reads an account's balance in US dollars by the plain key, where the vendor has a page for it. Free GETs only.

Sources: cometapi-cli (`/v1/dashboard/billing`), openrouter 1.3 (`/v1/credits`), runwayml 5 (`/v1/organization`),
lumaai 1.21 (`/credits`).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from batchvid.catalog.account import BalanceApi
from batchvid.catalog.provider import Provider
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import Path, dig
from batchvid.domain.wire import Request, Response
from batchvid.errors import UnreadableReply
from batchvid.net.access import Access
from batchvid.net.account_pages import UNLIMITED_USD
from batchvid.net.transport import Transport

SUBSCRIPTION, USAGE = "/v1/dashboard/billing/subscription", "/v1/dashboard/billing/usage"
PATHS: Mapping[BalanceApi, tuple[str, ...]] = {
    "new-api": (SUBSCRIPTION, USAGE),
    "openrouter": ("/v1/credits",),
    "runway": ("/v1/organization",),
    "luma": ("/credits",),
}
HEADERS = {"runway": {"X-Runway-Version": "2024-11-06"}}
RUNWAY_CREDIT_USD = Decimal("0.01")
MAX_AMOUNT = Decimal(10**12)
"""No balance is further from zero; also not infinite, and not NaN, which Python's JSON reads."""


async def read_balance(provider: Provider, access: Access) -> Decimal | None:
    """The balance in US dollars, None for one without a limit. Raises WireError, UnreadableReply."""
    api = provider.balance
    prefix = next(iter(provider.routes.values()), "") if api != "new-api" else ""
    replies = []
    async with Transport() as transport:
        for path in PATHS[api]:
            request = Request(method="GET", path=path, headers=HEADERS.get(api, {}))
            reply = await transport.send(provider.base_url + prefix, request, access)
            if reply.status != 200:
                raise UnreadableReply(f"{path} answers HTTP {reply.status}")
            replies.append(reply)
    if api == "new-api":
        limit, used = _number(replies[0], ("hard_limit_usd",)), _number(replies[1], ("total_usage",)) / 100
        return None if limit >= UNLIMITED_USD else limit - used
    if api == "openrouter":
        return _number(replies[0], ("data", "total_credits")) - _number(replies[0], ("data", "total_usage"))
    if api == "luma":  # in cents
        return _number(replies[0], ("credit_balance",)) / 100
    return _number(replies[0], ("creditBalance",)) * RUNWAY_CREDIT_USD


def _number(response: Response, place: Path) -> Decimal:
    value = dig(parse(response.body) or {}, place)
    if isinstance(value, int | float) and not isinstance(value, bool):
        amount = Decimal(str(value))
        if amount.is_finite() and abs(amount) <= MAX_AMOUNT:
            return amount
    raise UnreadableReply(f"the reply has no {'.'.join(map(str, place))}")
