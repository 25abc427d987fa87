"""A provider's list of models (`GET /api/models`), saved with its date, and merged with the catalogue.

The list is read tolerantly (wire-notes 9.1): unreadable rows are left out, an unknown price stays unknown.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from batchvid.atomic_file import write_atomic
from batchvid.catalog.model import MAX_USD_PER_CLIP, MAX_USD_PER_S
from batchvid.catalog.models import Models
from batchvid.catalog.provider import DEFAULT_PROVIDER
from batchvid.errors import UnreadableReply

PATH = "/api/models"  # public; /v1/models is another list, without prices
FILENAME = "models.json"
MAX_NAME_CHARS = 128
_ROUTES = (
    ("/kling/", "kling"),
    ("/runwayml/", "runway"),
    ("/grok/", "xai"),
    ("/v1/videos", "videos"),
)
"""The prefix of a listed endpoint's path, and its dialect. Other paths are not supported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The video models of a provider's list: the day it was fetched (`2026-05-28`), its source, and its rows.

    `missing` is how many rows of the list were not delivered or not readable.
    """

    fetched_on: str
    source: str
    provider: str = DEFAULT_PROVIDER
    models: tuple[Mapping[str, Any], ...]
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One reply: its readable rows, its number of rows, and the total number, if given."""

    rows: tuple[Mapping[str, Any], ...]
    size: int
    total: int


def read_page(body: bytes) -> Page:
    """Read one reply, the whole list or a page. Raises UnreadableReply if it is not a list of models."""
    try:
        document = json.loads(body, parse_float=str)
    except (ValueError, RecursionError):
        document = None
    found = document.get("data") if isinstance(document, dict) else document
    if not isinstance(found, list):
        raise UnreadableReply("the reply is not a list of models", body[:200].decode("utf-8", "replace"))
    total = document.get("total") if isinstance(document, dict) else None
    rows = tuple(row for row in found if isinstance(row, dict) and _name(row))
    return Page(rows, len(found), total if isinstance(total, int) else len(found))


def video_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The rows of video models that can be bought now."""
    for row in rows:
        if row.get("upcoming") is not True and row.get("model_type") in ("video", None) and dialect_of(row):
            yield row


def merged_with(models: Models, listing: Listing, routes: Collection[str] = ()) -> Models:
    """The catalogue with the list's prices at its provider, and with its other video models as rows without limits.

    The list has one price for every resolution, mode and sound: tiers of the catalogue that distinguish them stay,
    and the price of the list applies to everything else.
    """
    overrides: dict[str, dict[str, Any]] = {}
    sold = models.at(listing.provider, routes)
    for row in listing.models:
        name, price = _name(row), _price(row)
        known = sold.named(name)
        fields: dict[str, Any] = {} if known else {"dialect": dialect_of(row)}
        if price:
            finer = [tier for tier in known.price.tiers if not tier.is_plain] if known and known.price else []
            fields["price"] = {"as_of": listing.fetched_on, "source": listing.source, "tiers": (*finer, price)}
        if fields:
            overrides[name] = fields
    return models.merged_with(overrides, listing.provider, routes=routes)


def cache_file() -> Path:
    """Where the last list is saved: below XDG_CACHE_HOME, or ~/.cache."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(root):  # noqa: PTH117 - "" is no absolute path
        return Path(root) / "batchvid" / FILENAME
    try:
        return Path.home() / ".cache" / "batchvid" / FILENAME
    except RuntimeError:  # no HOME, and no user with that number, as in a container
        return Path(tempfile.gettempdir()) / f"batchvid-cache-{os.getuid()}" / FILENAME


def save(listing: Listing, file: Path) -> None:
    """Write the dated copy, whole or not at all. Raises OSError."""
    facts = {"fetched_on": listing.fetched_on, "source": listing.source, "models": list(listing.models)}
    write_atomic(file, json.dumps(facts))


def load_saved(file: Path) -> Listing | None:
    """The dated copy; None when it is missing or unreadable: the next refresh writes it again."""
    try:
        document = json.loads(file.read_bytes())
        page = read_page(json.dumps(document["models"]).encode())
        return Listing(fetched_on=str(document["fetched_on"]), source=str(document["source"]), models=page.rows)
    except (OSError, ValueError, KeyError, TypeError, UnreadableReply):
        return None


def _name(row: Mapping[str, Any]) -> str:
    name = row.get("id")
    is_valid = isinstance(name, str) and name.isprintable() and 0 < len(name) <= MAX_NAME_CHARS and " " not in name
    return str(name) if is_valid else ""


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


def _price(row: Mapping[str, Any]) -> dict[str, Decimal]:
    """The price per second, otherwise per clip; empty if the list has neither. Its `currency` is only for tokens."""
    pricing = row.get("pricing")
    for word, field in (("per_second", "usd_per_s"), ("per_request", "usd_per_clip")):
        value = pricing.get(word) if isinstance(pricing, dict) else None
        try:
            amount = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else Decimal(-1)
        except ArithmeticError:
            continue
        if amount.is_finite() and 0 < amount <= (MAX_USD_PER_S if field == "usd_per_s" else MAX_USD_PER_CLIP):
            return {field: amount}
    return {}
