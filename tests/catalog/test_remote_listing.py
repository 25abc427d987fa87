"""A seller's own list: read in every form, prices laid over, nothing invented, a dated copy kept."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.catalog import built_in, remote_listing
from batchvid.catalog.cometapi_listing import video_rows
from batchvid.catalog.models import built_in_routes
from batchvid.catalog.provider_models import ProviderModels
from batchvid.catalog.remote_listing import Listing, cache_file, load_saved, merged_with, read_page, save
from batchvid.errors import UnreadableReply
from tests.builders import sold

VIDEOS = json.dumps({"seedance": {"path": "/v1/videos", "method": "POST"}})


def row(name: str = "new-video", **fields: Any) -> dict[str, Any]:
    """A row as the vendor's guide shows it: JSON inside a string, and nulls for prices that do not apply."""
    pricing = {"currency": "USD / M Tokens", "input": None, "output": None, "per_request": None, "per_second": 0.024}
    return {"id": name, "model_type": "video", "endpoints": VIDEOS, "pricing": pricing, **fields}


def listed(*rows: dict[str, Any]) -> Listing:
    """These rows, fetched on a spring day."""
    page = read_page(json.dumps({"data": list(rows)}).encode())
    return Listing(fetched_on="2026-05-28", source="the list of cometapi", models=tuple(video_rows(page.rows)))


def merged(listing: Listing) -> ProviderModels:
    """What CometAPI sells by this list."""
    return sold(merged_with(built_in(), listing, built_in_routes("cometapi")))


def prices(**said: Any) -> dict[str, Any]:
    """The `pricing` of a row."""
    return {
        "currency": "USD / M Tokens",
        "input": None,
        "output": None,
        "per_request": None,
        "per_second": None,
        **said,
    }


@pytest.mark.parametrize(
    ("document", "size", "total"),
    [
        ({"success": True, "page": 1, "page_size": 20, "total": 302, "data": [row()]}, 1, 302),
        ({"success": True, "page": 0, "page_size": 0, "total": 1, "data": [row()]}, 1, 1),
        ({"data": [row(), 7, {}, row("two words")]}, 4, 4),
        ([row()], 1, 1),
        ({"data": []}, 0, 0),
    ],
)
def test_a_page_is_read_in_every_form(document: Any, size: int, total: int) -> None:
    """With pages, without them, bare; rows that are none are left out and counted."""
    page = read_page(json.dumps(document).encode())
    assert (page.size, page.total) == (size, total)
    assert len(page.rows) == min(size, 1)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"data": {}}', b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_list_is_told(body: bytes) -> None:
    """A web page or half a reply is never an empty catalogue."""
    with pytest.raises(UnreadableReply, match="not a list of models"):
        read_page(body)


@pytest.mark.parametrize(
    "fields",
    [
        {"upcoming": True},
        {"model_type": "text"},
        {"endpoints": None},
        {"endpoints": "{not json"},
        {"endpoints": "[1]"},
        {"endpoints": {"chat": {"path": "/v1/chat/completions"}}},
        {"endpoints": {"video": {"path": 7}, "other": "/v1/videos"}},
    ],
)
def test_what_cannot_be_bought_is_left_out(fields: dict[str, Any]) -> None:
    """Not callable yet, no video, or on a path that nobody here speaks."""
    assert list(video_rows([row(**fields)])) == []


@pytest.mark.parametrize(
    ("endpoints", "dialect"),
    [
        (VIDEOS, "videos"),
        ({"a": {"path": "/v1/chat"}, "b": {"path": "/kling/v1/videos/text2video"}}, "kling"),
        ({"runway": {"path": "/runwayml/v1/image_to_video"}}, "runway"),
    ],
)
def test_an_unknown_model_becomes_a_row(endpoints: Any, dialect: str) -> None:
    """With the dialect of its first endpoint that we can speak, its price, and no limits that nobody said."""
    known = merged(listed(row(endpoints=endpoints))).named("new-video")
    if dialect not in {model.dialect for model in built_in().rows.values()}:
        assert known is None
        return
    assert known is not None
    assert (known.dialect, known.durations_s, known.images) == (dialect, (), None)
    price = known.price_of(5)
    assert (price.usd, price.basis) == (Decimal("0.120"), "estimate: the list of cometapi, 2026-05-28")


@pytest.mark.parametrize(
    ("pricing", "usd"),
    [
        (prices(per_second=0.024), "0.192"),
        (prices(per_second=1), "8"),
        (prices(per_request=0.5), "0.5"),
        (prices(per_second=0.1, per_request=9), "0.8"),
        (prices(per_second="0.1"), "0.8"),
        (prices(per_second=101, per_request=2), "2"),  # no model costs so much: the list is wrong
    ],
)
def test_a_listed_price_lies_over_ours(pricing: Any, usd: str) -> None:
    """A second's price, else a clip's, exactly as the list writes it."""
    models = merged(listed(row("veo3-fast", pricing=pricing)))
    assert models.find("veo3-fast").price_of(8).usd == Decimal(usd)
    assert models.find("veo3-fast").durations_s == sold().find("veo3-fast").durations_s
    assert models.find("veo3.1") == sold().find("veo3.1")


@pytest.mark.parametrize(
    "pricing",
    [None, {}, [], prices(), prices(input=3), prices(per_second=True), prices(per_second=-1), prices(per_second=0),
     prices(per_second="free"), prices(per_second=[1])],
)  # fmt: skip
def test_no_price_is_no_news(pricing: Any) -> None:
    """A list without a price for it leaves a known model's as it was, and a new model's unknown: never nought."""
    kling = {"kling": {"path": "/kling/v1/videos/text2video"}}
    new = row("kling-v9", pricing=pricing, endpoints=kling)
    models = merged(listed(row("veo3-fast", pricing=pricing), new))
    assert models.find("veo3-fast").price == sold().find("veo3-fast").price
    assert models.find("kling-v9").price_of(8).usd is None


def test_one_price_does_not_hide_what_we_know_better() -> None:
    """Our lines for single resolutions stay; the list's price counts for the rest."""
    model = merged(listed(row("veo3.1", pricing=prices(per_second=0.2)))).find("veo3.1")
    assert model.price_of(1, resolution="3840x2160").usd == Decimal("0.48")
    assert model.price_of(1).usd == Decimal("0.2")


KEYS = st.sampled_from(["id", "endpoints", "pricing", "per_second", "per_request", "path", "model_type", "upcoming"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
)


@given(st.dictionaries(KEYS, ANYTHING))
def test_nothing_in_a_row_breaks_the_catalogue(odd: dict[str, Any]) -> None:
    """Whatever stands in whatever place: at worst the row is left out, and every other model is as it was."""
    models = merged(listed({**row("kling-v2-6"), **odd}, row("veo3-fast")))
    assert set(sold().rows) <= set(models.rows)
    assert models.find("veo3-fast").price_of(1).usd == Decimal("0.024")


def test_a_copy_is_kept_with_its_date(tmp_path: Path) -> None:
    """What is read again is what was kept; a second one takes its place whole; the folder is made."""
    file = tmp_path / "deep" / "models.json"
    assert load_saved(file) is None
    save(listed(row("old")), file)
    newer = listed(row("veo3-fast"), row("new"))
    save(newer, file)
    assert load_saved(file) == newer
    assert [path.name for path in file.parent.iterdir()] == ["models.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"models": 3}', '{"models": [], "source": "x"}'])
def test_a_broken_copy_is_none(tmp_path: Path, text: str) -> None:
    """A cut or foreign file never stops a plan."""
    file = tmp_path / "models.json"
    file.write_text(text)
    assert load_saved(file) is None


def test_the_copy_lies_in_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME is respected when it is absolute, as its specification asks."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_file() == tmp_path / "batchvid" / remote_listing.FILENAME
    for nothing in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", nothing)
        assert cache_file() == Path.home() / ".cache" / "batchvid" / remote_listing.FILENAME
