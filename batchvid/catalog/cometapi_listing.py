"""CometAPI's list of models (`GET /api/models`), read tolerantly (wire-notes 9.1)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from batchvid.catalog.listing_values import amount
from batchvid.catalog.model import MAX_USD_PER_CLIP, MAX_USD_PER_S

PATH = "/api/models"  # public; /v1/models is another list, without prices
_ROUTES = (
    ("/kling/", "kling"),
    ("/runwayml/", "runway"),
    ("/grok/", "xai"),
    ("/v1/videos", "videos"),
)
"""The prefix of a listed endpoint's path, and its dialect. Other paths are not supported."""


def video_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The rows of video models that can be bought now."""
    for row in rows:
        if row.get("upcoming") is not True and row.get("model_type") in ("video", None) and dialect_of(row):
            yield row


def dialect_of(row: Mapping[str, Any]) -> str:
    """The dialect of the first supported endpoint. The endpoints are JSON, or JSON in a string."""
    endpoints = row.get("endpoints")
    if isinstance(endpoints, str):
        try:
            endpoints = json.loads(endpoints)
        except (ValueError, RecursionError):
            return ""
    for endpoint in endpoints.values() if isinstance(endpoints, dict) else ():
        path = endpoint.get("path") if isinstance(endpoint, dict) else None
        dialect = next((word for start, word in _ROUTES if isinstance(path, str) and path.startswith(start)), "")
        if dialect:
            return dialect
    return ""


def price_of(row: Mapping[str, Any]) -> dict[str, Decimal]:
    """The price per second, otherwise per clip; empty if the list has neither. Its `currency` is only for tokens."""
    pricing = row.get("pricing")
    for word, field, most in (
        ("per_second", "usd_per_s", MAX_USD_PER_S),
        ("per_request", "usd_per_clip", MAX_USD_PER_CLIP),
    ):
        found = amount(pricing.get(word), most) if isinstance(pricing, dict) else None
        if found is not None:
            return {field: found}
    return {}
