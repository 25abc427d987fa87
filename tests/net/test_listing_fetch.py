"""The lists of OpenRouter and fal, fetched from the emulator and from servers with odd replies."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from aiohttp import web

from batchvid.catalog import Provider, built_in, find_model, models_of, providers, resolve_options
from batchvid.catalog.authentication import Authentication
from batchvid.catalog.remote_listing import Listing, cache_file, load_all_saved, merged_with, save
from batchvid.emulator import Emulator, Settings
from batchvid.errors import UnreadableReply
from batchvid.net.access import ANONYMOUS, Access
from batchvid.net.listing_fetch import fetch_listing
from tests.builders import clip_request
from tests.runner.servers import serving

TODAY = date(2026, 11, 30)
KEY = Access(style=Authentication(scheme="Key")).with_key("secret")


def provider(name: str, base_url: str) -> Provider:
    """That vendor's row, at an address of ours."""
    return providers({name: {"dialect": "openai-videos", "base_url": base_url, "prefix": f"/{name}"}})[name]


def usd(listing: Listing, row: Provider, model: str) -> Decimal | None:
    """The price of 5 s of a model by this list."""
    found = find_model(merged_with(built_in(), listing, row.routes), model, row)
    return resolve_options(found, clip_request(duration_s=5)).price.usd


async def test_openrouters_list_needs_no_key() -> None:
    """One call; models of known and of unknown price are listed."""
    async with Emulator(Settings()) as emulator:
        row = provider("openrouter", emulator.base_url)
        listing = await fetch_listing(row, TODAY)
    assert len(listing.models) == 5
    assert usd(listing, row, "runway/gen-4.5") == Decimal("0.60")
    assert usd(listing, row, "alibaba/wan-2.6") == Decimal("0.40")
    assert usd(listing, row, "bytedance/seedance-2.0") is None
    assert find_model(merged_with(built_in(), listing, row.routes), "bytedance/seedance-2.0", row).durations_s[0] == 4


async def test_fals_prices_are_those_of_known_and_listed_models() -> None:
    """An id that fal does not sell hides no other price; a key is needed, with fal's own scheme."""
    async with Emulator(Settings()) as emulator:
        row = provider("fal", emulator.base_url)
        ids = ["fal-ai/veo3.1", "gone/model", "fal-ai/another-gone"]
        listing = await fetch_listing(row, TODAY, KEY, known_ids=ids)
        with pytest.raises(UnreadableReply, match="HTTP 401"):
            await fetch_listing(row, TODAY, ANONYMOUS, known_ids=ids)
    assert (len(listing.models), listing.missing) == (6, 2)
    assert usd(listing, row, "fal-ai/veo3.1") == Decimal("2.0")
    assert usd(listing, row, "fal-ai/minimax/hailuo-2.3/pro/text-to-video") == Decimal("0.49")
    assert usd(listing, row, "bytedance/seedance-2.0/text-to-video") is None


async def test_the_list_is_found_where_the_address_begins() -> None:
    """With or without the path of the API in `base_url`."""

    async def answer(request: web.Request) -> web.Response:
        rows = {"data": [{"id": "a/b"}, {"id": None}, 7]}
        return (
            web.json_response(rows) if request.path == "/openrouter/api/v1/videos/models" else web.Response(status=404)
        )

    async with serving(answer) as server:
        listing = await fetch_listing(provider("openrouter", server.base_url), TODAY)
    assert ([row["id"] for row in listing.models], listing.missing) == (["a/b"], 2)


@pytest.mark.parametrize("body", ["", "null", "{}", '{"data": null}', '{"data": {"a": 1}}', "<html>", "[" * 50_000])
@pytest.mark.parametrize("name", ["openrouter", "fal"])
async def test_what_is_no_list_is_no_empty_catalogue(name: str, body: str) -> None:
    """The last list stays."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    async with serving(answer) as server:
        with pytest.raises(UnreadableReply, match="not a list"):
            await fetch_listing(provider(name, server.base_url), TODAY, KEY, known_ids=["a"])


def test_each_provider_has_its_own_copy(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is fetched replaces no other, and counts at its provider alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rows = {"cometapi": {"id": "veo3.1"}, "openrouter": {"id": "a/b"}, "x/../y": {"id": "z"}}
    for name, row in rows.items():
        style = name if name == "openrouter" else "cometapi"
        save(Listing(fetched_on="d", source="s", provider=name, format=style, models=(row,)), cache_file(name))
    assert {(one.provider, one.format, len(one.models)) for one in load_all_saved()} == {
        ("cometapi", "cometapi", 1), ("openrouter", "openrouter", 1), ("x/../y", "cometapi", 1),
    }  # fmt: skip
    assert models_of(built_in(), providers({})["cometapi"]).named("a/b") is None
