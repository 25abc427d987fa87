"""Free questions to a provider: its list in whole or in pages, and whether it is there, over a real socket."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

import pytest
from aiohttp import web

from batchvid.catalog import Provider, providers
from batchvid.domain.wire import Request
from batchvid.errors import NotSent, ReplyLost, UnreadableReply
from batchvid.net.access import ANONYMOUS, bearer
from batchvid.net.listing_fetch import fetch_listing
from batchvid.net.provider_probe import probe, send_all
from tests.runner.servers import serving

TODAY = date(2026, 11, 21)
MODELS = Request(method="GET", path="/v1/models")


def at(base_url: str) -> Provider:
    """A provider of one's own there."""
    said = {"dialect": "kling", "base_url": base_url, "api_key_env": "GW_KEY"}
    return providers({"office": said})["office"]


def rows(*numbers: int) -> list[dict[str, Any]]:
    """Listed Kling models."""
    endpoints = json.dumps({"kling": {"path": "/kling/v1/videos/text2video", "method": "POST"}})
    return [{"id": f"kling-v{n}", "model_type": "video", "endpoints": endpoints} for n in numbers]


async def test_a_whole_list_is_one_call_without_a_key() -> None:
    """The unpaginated form: nothing more is asked for, and no key leaves."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"success": True, "page": 0, "page_size": 0, "total": 3, "data": rows(7, 8, 9)})

    async with serving(answer) as server:
        found = await fetch_listing(at(server.base_url), TODAY)
    assert [row["id"] for row in found.models] == ["kling-v7", "kling-v8", "kling-v9"]
    assert (found.fetched_on, found.source, found.missing) == ("2026-11-21", "the list of office", 0)
    assert [path for _, path, _ in server.asked] == ["/api/models"]
    assert server.keys == [None]


async def test_a_list_in_pages_is_read_to_its_end() -> None:
    """Page after page of the size that the first one has."""

    async def answer(request: web.Request) -> web.Response:
        page = int(request.query.get("page", 1))
        data = rows(*range(2 * page - 1, min(2 * page, 5) + 1))
        return web.json_response({"page": page, "page_size": 2, "total": 5, "data": data})

    async with serving(answer) as server:
        found = await fetch_listing(at(server.base_url), TODAY)
    assert [row["id"] for row in found.models] == [f"kling-v{n}" for n in range(1, 6)]
    assert [path for _, path, _ in server.asked] == [
        "/api/models",
        "/api/models?page=2&page_size=2",
        "/api/models?page=3&page_size=2",
    ]


async def test_a_server_that_knows_no_pages_is_not_asked_for_ever() -> None:
    """The same page again ends it, and what did not come is counted."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"page": 1, "page_size": 2, "total": 302, "data": rows(1, 2)})

    async with serving(answer) as server:
        found = await fetch_listing(at(server.base_url), TODAY)
    assert (len(found.models), found.missing, len(server.asked)) == (2, 300, 2)


async def test_an_answer_that_is_no_list_is_told() -> None:
    """Another status or a web page: never an empty list over the good one."""
    for status, body in ((404, "{}"), (301, ""), (200, "<html>")):

        async def answer(_request: web.Request, status: int = status, body: str = body) -> web.Response:
            return web.Response(status=status, text=body)

        async with serving(answer) as server:
            with pytest.raises(UnreadableReply, match="list"):
                await fetch_listing(at(server.base_url), TODAY)


async def test_any_answer_tells_that_it_is_there() -> None:
    """One GET with the key, whatever comes back; nobody there is told as such."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=404)

    async with serving(answer) as server:
        provider = at(server.base_url)
        assert (await probe(provider, MODELS, bearer("K"))).status == 404
        assert server.keys == ["Bearer K"]
        assert [method for method, _, _ in server.asked] == ["GET"]
    with pytest.raises(NotSent):
        await probe(provider, MODELS, bearer("K"))


async def test_many_calls_are_bounded_in_time() -> None:
    """A call without a reply is left out; the others count, and no redirect is followed."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/slow":
            await asyncio.sleep(5)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    calls = {path: Request(method="GET", path=path) for path in ("/a", "/slow", "/b")}
    async with serving(answer) as server:
        replies = await send_all(server.base_url, calls, bearer("K"), call_s=0.2)
        assert set(replies) == {"/a", "/b"}
        with pytest.raises(ReplyLost):
            await send_all(server.base_url, {"/slow": calls["/slow"], "/a": calls["/a"]}, ANONYMOUS, call_s=0.1)
        late = await send_all(server.base_url, calls, ANONYMOUS, call_s=5, total_s=0.2)
        assert set(late) == {"/a", "/b"}
    assert "/elsewhere" not in {path for _, path, _ in server.asked}
