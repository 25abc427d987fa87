"""Fetches a provider's list of models and prices: free calls, each bounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from batchvid.catalog import Provider, cometapi_listing, fal_listing, openrouter_listing, remote_listing
from batchvid.catalog.listing_values import name_of
from batchvid.catalog.remote_listing import KEYS, Listing, Page, format_of
from batchvid.domain.wire import Request, Response
from batchvid.errors import UnreadableReply
from batchvid.net.access import ANONYMOUS, Access
from batchvid.net.transport import Transport

MAX_PAGES = 50  # bounds a list without an end
UNKNOWN_IDS = (400, 404, 422)  # fal's answers to a price call with an id that it does not sell

Rows = dict[str, Mapping[str, Any]]


async def fetch_listing(
    provider: Provider, today: date, access: Access = ANONYMOUS, *, known_ids: Iterable[str] = ()
) -> Listing:
    """The provider's current list of video models. Raises WireError if the request or the parsing fails.

    fal's prices need a key, and are those of `known_ids` and of the first models of its own catalogue.
    """
    style = format_of(provider)
    async with Transport() as transport:
        caller = _Caller(transport, access, _address(provider, style))
        if style == "openrouter":
            rows, missing = await _openrouter(caller)
        elif style == "fal":
            rows, missing = await _fal(caller, known_ids)
        else:
            rows, missing = await _cometapi(caller)
    return Listing(
        fetched_on=today.isoformat(),
        source=f"the list of {provider.name}",
        provider=provider.name,
        format=style,
        models=tuple(rows),
        missing=missing,
    )


class _Caller:
    """Free calls to the provider."""

    def __init__(self, transport: Transport, access: Access, address: str) -> None:
        self._transport = transport
        self._access = access
        self.address = address

    async def get(self, path: str) -> Response:
        return await self._transport.send(self.address, Request(method="GET", path=path), self._access)

    async def page(self, path: str, **reading: str) -> Page:
        """Raises UnreadableReply for anything but a list."""
        reply = await self.get(path)
        if reply.status != 200:
            raise UnreadableReply(f"{self.address}{path.partition('?')[0]} answers HTTP {reply.status}, not a list")
        return remote_listing.read_page(reply.body, **reading)


def _address(provider: Provider, style: str) -> str:
    """Where its lists stand: below its account's address, else below the address and the prefix of its calls."""
    if style == "cometapi":
        return provider.base_url
    prefix = provider.routes.get(provider.own_dialect, "")
    account_url = provider.account.url if provider.account else ""
    return account_url or f"{provider.base_url}{prefix}"


async def _cometapi(caller: _Caller) -> tuple[list[Mapping[str, Any]], int]:
    """If the first reply is only a page, requests further pages until one has nothing new."""
    found: Rows = {}
    path, seen, total = cometapi_listing.PATH, 0, 0
    for number in range(2, MAX_PAGES + 2):
        page = await caller.page(path)
        before = len(found)
        found |= {str(row["id"]): row for row in page.rows}
        seen, total = seen + page.size, page.total
        if seen >= total or len(found) == before:
            break
        path = f"{cometapi_listing.PATH}?page={number}&page_size={page.size}"
    return list(cometapi_listing.video_rows(found.values())), max(0, total - len(found))


async def _openrouter(caller: _Caller) -> tuple[list[Mapping[str, Any]], int]:
    """The list stands beside the submit path, wherever the provider's address begins."""
    for path in openrouter_listing.PATHS[:-1]:
        if (reply := await caller.get(path)).status == 200:
            page = remote_listing.read_page(reply.body)
            break
    else:
        page = await caller.page(openrouter_listing.PATHS[-1])
    rows = {name_of(row): row for row in page.rows}
    return list(rows.values()), page.size - len(rows)


async def _fal(caller: _Caller, known_ids: Iterable[str]) -> tuple[list[Mapping[str, Any]], int]:
    key = KEYS["fal"]
    ids = dict.fromkeys(known_ids)
    for path in fal_listing.catalogue_paths():
        if (reply := await caller.get(path)).status == 200:
            ids |= {
                name_of(row, key): None for row in remote_listing.read_page(reply.body, within="models", key=key).rows
            }
    found: Rows = {}
    for path in fal_listing.price_paths(ids):
        await _add_prices(caller, path, found)
    return list(found.values()), len(ids) - len(found)


async def _add_prices(caller: _Caller, path: str, found: Rows) -> None:
    """Add the prices of one call. One unknown id refuses the whole call: then each half is tried."""
    key = KEYS["fal"]
    reply = await caller.get(path)
    if reply.status in UNKNOWN_IDS:
        ids: Sequence[str] = path.partition("=")[2].split(",")
        half = len(ids) // 2
        for part in (ids[:half], ids[half:]) if half else ():
            await _add_prices(caller, f"{fal_listing.PRICES_PATH}?endpoint_id={','.join(part)}", found)
        return
    if reply.status != 200:
        raise UnreadableReply(f"{caller.address}{fal_listing.PRICES_PATH} answers HTTP {reply.status}, not a list")
    page = remote_listing.read_page(reply.body, within="prices", key=key)
    found |= {name_of(row, key): row for row in page.rows}
