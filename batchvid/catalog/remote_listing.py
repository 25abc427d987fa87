"""What a seller's own list of models (`GET /api/models`) says, kept with its date, and laid over the catalogue.

The list is read tolerantly (wire-notes 9.1): what cannot be read is left out, an unknown price stays unknown.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from batchvid.atomic_file import write_atomic
from batchvid.catalog.models import Models
from batchvid.errors import UnreadableReply

PATH = "/api/models"  # public; /v1/models is another list, without prices
FILENAME = "models.json"
NAME_CHARS = 128
_ROUTES = (
    ("/kling/", "kling"),
    ("/runwayml/", "runway"),
    ("/grok/", "xai"),
    ("/v1/videos", "videos"),
)
"""How the path of a listed endpoint begins, and the dialect that speaks it; every other path is no way to us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The video models of one list: the day it was fetched (`2026-05-28`), from where, and the rows as they came.

    `missing` is how many rows of the list did not come, or could not be read.
    """

    fetched_on: str
    source: str
    models: tuple[Mapping[str, Any], ...]
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One reply: its readable rows, how many it holds, and how many there are in all, as far as it says."""

    rows: tuple[Mapping[str, Any], ...]
    size: int
    total: int


def read_page(body: bytes) -> Page:
    """Read one reply, whole list or page of it. Raises UnreadableReply for what is no list of models."""
    try:
        document = json.loads(body, parse_float=str)
    except (ValueError, RecursionError):
        document = None
    found = document.get("data") if isinstance(document, dict) else document
    if not isinstance(found, list):
        raise UnreadableReply("the reply is no list of models", body[:200].decode("utf-8", "replace"))
    total = document.get("total") if isinstance(document, dict) else None
    rows = tuple(row for row in found if isinstance(row, dict) and _name(row))
    return Page(rows, len(found), total if isinstance(total, int) else len(found))


def video_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Those that make videos and can be bought now."""
    for row in rows:
        if row.get("upcoming") is not True and row.get("model_type") in ("video", None) and _dialect(row):
            yield row


def over(models: Models, listing: Listing) -> Models:
    """The catalogue with the list's prices, and with its other video models as rows without limits.

    One price hides resolution, mode and sound: where the catalogue knows those apart, its own lines stay and the
    list's price counts for everything else.
    """
    said: dict[str, dict[str, Any]] = {}
    for row in listing.models:
        name, price = _name(row), _price(row)
        known = models.named(name)
        fields: dict[str, Any] = {} if known else {"dialect": _dialect(row)}
        if price:
            finer = [tier for tier in known.price.tiers if not tier.is_plain] if known and known.price else []
            fields["price"] = {"as_of": listing.fetched_on, "source": listing.source, "tiers": (*finer, price)}
        if fields:
            said[name] = fields
    return models.over(said)


def cache_file() -> Path:
    """Where the last list is kept: below XDG_CACHE_HOME, or ~/.cache."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(root) if os.path.isabs(root) else Path.home() / ".cache"  # noqa: PTH117 - "" is no absolute path
    return folder / "batchvid" / FILENAME


def keep(listing: Listing, file: Path) -> None:
    """Write the dated copy, whole or not at all. Raises OSError."""
    facts = {"fetched_on": listing.fetched_on, "source": listing.source, "models": list(listing.models)}
    write_atomic(file, json.dumps(facts))


def kept(file: Path) -> Listing | None:
    """The dated copy; None when there is none, or none that can be read: the next refresh writes it anew."""
    try:
        document = json.loads(file.read_bytes())
        page = read_page(json.dumps(document["models"]).encode())
        return Listing(fetched_on=str(document["fetched_on"]), source=str(document["source"]), models=page.rows)
    except (OSError, ValueError, KeyError, TypeError, UnreadableReply):
        return None


def _name(row: Mapping[str, Any]) -> str:
    name = row.get("id")
    honest = isinstance(name, str) and name.isprintable() and 0 < len(name) <= NAME_CHARS and " " not in name
    return str(name) if honest else ""


def _dialect(row: Mapping[str, Any]) -> str:
    """The dialect of the first endpoint that we can speak. They stand as JSON in a string, or as they are."""
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
    """The price a second, else the price a clip; empty where the list has neither. Its `currency` is of tokens only."""
    pricing = row.get("pricing")
    for word, field in (("per_second", "usd_per_s"), ("per_request", "usd_per_clip")):
        said = pricing.get(word) if isinstance(pricing, dict) else None
        try:
            amount = Decimal(said) if isinstance(said, str | int) and not isinstance(said, bool) else Decimal(-1)
        except ArithmeticError:
            continue
        if amount.is_finite() and amount > 0:
            return {field: amount}
    return {}
