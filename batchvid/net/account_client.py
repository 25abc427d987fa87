"""Fetches the pages of an account: its bill, its list of tasks. Only GETs; buys nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from batchvid.catalog.provider import Provider
from batchvid.domain.bills import BillEntry
from batchvid.domain.wire import Candidate, Request, Response
from batchvid.errors import UnreadableReply
from batchvid.net.access import Access
from batchvid.net.account_pages import (
    LOGS,
    QUOTA_PER_USD,
    REFUND,
    STATUS,
    TASKS,
    candidates,
    charges,
    read_page,
    read_quota_per_usd,
    refunds,
)
from batchvid.net.transport import Transport

PAGE_SIZE = 100
MAX_PAGES = 500  # 50,000 tasks in the window of one batch
MAX_LOOKUP_PAGES = 20  # 2,000 tasks in the minutes around one call

Send = Callable[[Request], Awaitable[Response]]


async def fetch_bill(
    provider: Provider, access: Access, *, since: datetime, until: datetime, task_ids: Collection[str]
) -> list[BillEntry]:
    """The charges and refunds of these tasks that the account has between two times.

    Raises WireError, or UnreadableReply for a refusal: of the token, for example.
    """
    async with Transport() as transport:

        async def send(request: Request) -> Response:
            return await transport.send(provider.account_url, request, access)

        async def pages(path: str, **query: Any) -> list[Mapping[str, Any]]:
            window = {**_window(since, until), **query}
            return (await _fetch_rows(send, provider, path, window, max_pages=MAX_PAGES))[0]

        status = await send(Request(method="GET", path=STATUS))
        per_usd = read_quota_per_usd(status) if status.status == 200 else QUOTA_PER_USD
        charged = charges(await pages(TASKS), per_usd)
        refunded = refunds(await pages(LOGS, type=REFUND), per_usd, task_ids)
        return [entry for entry in (*charged, *refunded) if entry.task_id in task_ids]


async def fetch_tasks(provider: Provider, send: Send, *, since: datetime, until: datetime) -> tuple[Candidate, ...]:
    """Every task that the account has between two times.

    Raises WireError, UnreadableReply also for a list that may not be complete.
    """
    rows, complete = await _fetch_rows(send, provider, TASKS, _window(since, until), max_pages=MAX_LOOKUP_PAGES)
    if not complete:
        raise UnreadableReply(f"{TASKS} repeats a page, so its list may not be complete")
    return candidates(rows)


def _window(since: datetime, until: datetime) -> dict[str, int]:
    return {"start_timestamp": int(since.timestamp()), "end_timestamp": int(until.timestamp()) + 1}


async def _fetch_rows(
    send: Send, provider: Provider, path: str, query: Mapping[str, Any], *, max_pages: int
) -> tuple[list[Mapping[str, Any]], bool]:
    """The rows of all pages, and whether they are certainly all: a server may ignore the number of the page."""
    user = provider.account.user if provider.account else ""
    headers = {"New-Api-User": user} if user else {}
    rows: list[Mapping[str, Any]] = []
    seen: set[str] = set()
    for number in range(1, max_pages + 1):
        words = urlencode({"p": number, "page_size": PAGE_SIZE, **query})
        found = read_page(await send(Request(method="GET", path=f"{path}?{words}", headers=headers)), path)
        fresh = [row for row in found.rows if repr(row) not in seen]
        seen |= {repr(row) for row in fresh}
        rows += fresh
        if not found.rows or (found.total and len(rows) >= found.total):
            return rows, len(rows) >= found.total
        if not fresh:
            return rows, False
    raise UnreadableReply(f"{path} has more than {max_pages} pages")
