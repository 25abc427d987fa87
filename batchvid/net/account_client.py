"""Fetches the bill of an account from the provider's own origin, page by page. Only GETs; buys nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from batchvid.catalog.provider import Provider
from batchvid.domain.bills import BillEntry
from batchvid.domain.wire import Request
from batchvid.errors import UnreadableReply
from batchvid.net.access import Access
from batchvid.net.account_pages import (
    LOGS,
    QUOTA_PER_USD,
    REFUND,
    STATUS,
    TASKS,
    AccountPage,
    charges,
    read_page,
    read_quota_per_usd,
    refunds,
)
from batchvid.net.transport import Transport

PAGE_SIZE = 100
MAX_PAGES = 500  # 50,000 tasks in the window of one batch


async def fetch_bill(
    provider: Provider, access: Access, *, since: datetime, until: datetime, task_ids: Collection[str]
) -> list[BillEntry]:
    """The charges and refunds of these tasks that the account has between two times.

    Raises WireError, or UnreadableReply for a refusal: of the token, for example.
    """
    user = provider.account.user if provider.account else ""
    headers = {"New-Api-User": user} if user else {}
    window = {"start_timestamp": int(since.timestamp()), "end_timestamp": int(until.timestamp())}
    async with Transport() as transport:

        async def page(path: str, **query: Any) -> AccountPage:
            request = Request(method="GET", path=f"{path}?{urlencode(query)}", headers=headers)
            return read_page(await transport.send(provider.base_url, request, access), path)

        async def pages(path: str, **query: Any) -> list[Mapping[str, Any]]:
            rows: list[Mapping[str, Any]] = []
            seen: set[str] = set()
            for number in range(1, MAX_PAGES + 1):
                found = await page(path, p=number, page_size=PAGE_SIZE, **window, **query)
                fresh = [row for row in found.rows if repr(row) not in seen]
                seen |= {repr(row) for row in fresh}
                rows += fresh
                if not fresh or (found.total and len(rows) >= found.total):
                    return rows
            raise UnreadableReply(f"{path} has more than {MAX_PAGES} pages")

        status = await transport.send(provider.base_url, Request(method="GET", path=STATUS), access)
        per_usd = read_quota_per_usd(status) if status.status == 200 else QUOTA_PER_USD
        charged = charges(await pages(TASKS), per_usd)
        refunded = refunds(await pages(LOGS, type=REFUND), per_usd, task_ids)
        return [entry for entry in (*charged, *refunded) if entry.task_id in task_ids]
