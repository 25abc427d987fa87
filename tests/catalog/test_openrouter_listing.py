"""OpenRouter's list: the dearest price that may apply, and none where any part of it is unclear."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.catalog import Model, built_in, find_model, providers, resolve_options
from batchvid.catalog.remote_listing import Listing, merged_with, read_page
from batchvid.domain.clip_request import ImageRef
from tests.builders import clip_request

ROUTER = providers({})["openrouter"]
IMAGE = (ImageRef(source="https://cdn.example/a.jpg", role="first"),)
SHAPES = {"supported_durations": [8, 4, 6], "supported_resolutions": ["720p", "1080p", "4K"]}


def model_of(row: dict[str, Any]) -> Model:
    """The model of such a row, after it was fetched and saved."""
    page = read_page(json.dumps({"data": [{"id": "google/veo-3.1-fast", **row}]}).encode())
    listing = Listing(
        fetched_on="2026-11-30", source="the list of openrouter", provider="openrouter", format="openrouter",
        models=page.rows,
    )  # fmt: skip
    models = merged_with(built_in(), listing, ROUTER.routes)
    return find_model(models, "google/veo-3.1-fast", ROUTER)


def usd(row: dict[str, Any], **fields: Any) -> Decimal | None:
    """The price of a clip of 4 s."""
    return resolve_options(model_of(row), clip_request(duration_s=4, **fields)).price.usd


def test_a_model_has_what_its_row_states() -> None:
    """Lengths in order, the usual default, words in our spelling."""
    model = model_of({**SHAPES, "supported_aspect_ratios": ["9:16", "16:9", "auto"], "pricing_skus": None})
    assert (model.durations_s, model.default_duration_s) == ((4, 6, 8), 8)
    assert (model.resolutions, model.default_resolution) == (("720p", "1080p", "4k"), "720p")
    assert (model.aspect_ratios, model.default_ratio, model.price) == (("9:16", "16:9"), "16:9", None)


VEO = {
    "duration_seconds_with_audio": "0.12",
    "duration_seconds_without_audio": "0.10",
    "duration_seconds_with_audio_720p": "0.10",
    "duration_seconds_without_audio_720p": "0.08",
    "duration_seconds_with_audio_4k": "0.30",
}
WAN = {"text_to_video_duration_seconds_720p": "0.08", "image_to_video_duration_seconds_720p": "0.10"}


@pytest.mark.parametrize(
    ("skus", "fields", "expected"),
    [
        (VEO, {}, "0.40"),
        (VEO, {"resolution": "1080p"}, "0.48"),
        (VEO, {"resolution": "4k", "images": IMAGE}, "1.20"),
        (VEO, {"sound": False}, "0.40"),
        (WAN, {}, "0.32"),
        (WAN, {"images": IMAGE}, "0.40"),
        (WAN, {"resolution": "1080p"}, None),
        ({"cents_per_second_output": "12"}, {"images": IMAGE}, "0.48"),
        ({"cents_per_video_output_second_720p": "7"}, {}, "0.28"),
        ({"per-video-second": "0.50", "per-video-second-1080p": "0.75"}, {"resolution": "1080p"}, "3"),
        ({"duration_seconds": "0.084", "duration_seconds_with_audio": "0.126", **WAN}, {}, "0.504"),
        ({"duration_seconds": "0.13", "reference_images": "0.04"}, {}, "0.52"),
        ({"duration_seconds": "0.13", "reference_images": "0.04"}, {"images": IMAGE}, None),
        ({"cents_per_second_output": "28", "minimum_cents_per_generation": "56"}, {}, "1.12"),
        ({"cents_per_second_output": "28", "minimum_cents_per_generation": "560"}, {}, None),
        ({"duration_seconds": "0.13"}, {"action": "edit", "video": "https://a.example/b.mp4"}, None),
        ({"video_tokens": "0.000007"}, {}, None),
        ({"duration_seconds": "0.13", "cents_per_megapixel_second_precise": "2"}, {}, None),
        ({"duration_seconds": "0.13", "per_vibe": "2"}, {}, None),
        ({"duration_seconds": "0"}, {}, None),
        ({"duration_seconds": "-0.1"}, {}, None),
        ({"duration_seconds": "1e9"}, {}, None),
        ({"duration_seconds": "NaN"}, {}, None),
        ({"duration_seconds": None}, {}, None),
        ({"duration_seconds": True}, {}, None),
        ({"duration_seconds": "free"}, {}, None),
        ({"duration_seconds": "0.13", "duration_seconds_720p": "oops"}, {"resolution": "1080p"}, None),
        ({}, {}, None),
        ([], {}, None),
    ],
)
def test_the_dearest_price_that_may_apply_counts(skus: Any, fields: dict[str, Any], expected: str | None) -> None:
    """By resolution and inputs; sound, whose default is not documented, never makes it cheaper."""
    assert usd({**SHAPES, "pricing_skus": skus}, **fields) == (Decimal(expected) if expected else None)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
SKUS = st.sampled_from([*VEO, *WAN, "video_tokens", "reference_images", "minimum_cents_per_generation", "x"])
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "supported_durations": ANYTHING | st.lists(st.integers(), max_size=4),
        "supported_resolutions": ANYTHING | st.lists(st.sampled_from(["720p", "4K", "p", ""]), max_size=4),
        "supported_aspect_ratios": ANYTHING | st.lists(st.sampled_from(["16:9", "0:1", "1:1"]), max_size=4),
        "pricing_skus": ANYTHING | st.dictionaries(SKUS, ANYTHING | st.sampled_from(["0.1", "0", "-1", "9e99"])),
    },
)


@given(ROWS)
def test_nothing_in_a_row_breaks_the_catalogue(row: dict[str, Any]) -> None:
    """At worst the row is left out; a price that comes of it is above zero."""
    for fields in ({}, {"images": IMAGE}, {"sound": True}):
        price = usd(row, **fields)
        assert price is None or price > 0
