"""fal's price API (`GET /v1/models/pricing`): the base price of each model, in a unit of its own.

The base price is adjusted by resolution and length (fal.ai/docs, Platform APIs): it counts only for a clip with the
default resolution, and never lowers a built-in price. Units other than seconds and clips are not known in dollars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from batchvid.catalog.listing_values import amount
from batchvid.catalog.model import DEFAULT_RESOLUTION, MAX_USD_PER_CLIP, MAX_USD_PER_S, Model

MODELS_PATH, PRICES_PATH = "/v1/models", "/v1/models/pricing"
CATEGORIES = ("text-to-video", "image-to-video", "video-to-video")
BATCH = 50  # endpoint ids in one call
_UNITS = {
    **dict.fromkeys(
        ("second", "seconds", "video_second", "video_seconds", "video second", "video seconds"), "usd_per_s"
    ),
    **dict.fromkeys(("video", "videos", "generation", "generations"), "usd_per_clip"),
}


def catalogue_paths() -> Iterator[str]:
    """The calls for the ids of all video models; the first page of each category."""
    for category in CATEGORIES:
        yield f"{MODELS_PATH}?category={category}&status=active&limit=100"


def price_paths(ids: Iterable[str]) -> Iterator[str]:
    """The calls for the prices of these models."""
    listed = list(dict.fromkeys(ids))
    for start in range(0, len(listed), BATCH):
        yield f"{PRICES_PATH}?endpoint_id={','.join(quote(one, safe='') for one in listed[start : start + BATCH])}"


def tiers_of(row: Mapping[str, Any], known: Model | None) -> list[Any]:
    """The price lines of a model; empty if the row changes nothing, or its unit or currency is not known."""
    unit = row.get("unit")
    field = _UNITS.get(unit.casefold()) if isinstance(unit, str) else None
    if field is None or row.get("currency", "USD") not in ("USD", None):
        return []
    rate = amount(row.get("unit_price"), MAX_USD_PER_S if field == "usd_per_s" else MAX_USD_PER_CLIP)
    if rate is None:
        return []
    if known is None or known.price is None:
        word = known.default_resolution if known else ""
        return [{"resolution": word or DEFAULT_RESOLUTION, "input": given, field: rate} for given in ("text", "image")]
    plain = next((tier for tier in known.price.tiers if tier.is_plain), None)
    before = getattr(plain, field) if plain else None
    if before is None or rate <= before:
        return []
    return [{field: rate} if tier is plain else tier for tier in known.price.tiers]
