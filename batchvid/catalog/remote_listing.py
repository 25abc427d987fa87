"""A provider's list of models, saved with its date, and merged with the catalogue at this provider.

Lists are read tolerantly: unreadable rows are left out, an unknown price stays unknown.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from batchvid.atomic_file import write_atomic
from batchvid.catalog import cometapi_listing, fal_listing, openrouter_listing
from batchvid.catalog.listing_values import name_of
from batchvid.catalog.model import Model
from batchvid.catalog.models import Models
from batchvid.catalog.provider import DEFAULT_PROVIDER, Provider
from batchvid.catalog.provider_models import as_model
from batchvid.errors import UnreadableReply, UsageError

FILENAME = "models.json"
FORMATS = ("cometapi", "openrouter", "fal")
KEYS = {"fal": "endpoint_id"}
"""The key of a row's name in each format; `id` in all others."""
NEEDS_KEY = frozenset({"fal"})
"""Formats of lists that are only for customers: all others are public."""
_SAVED_BY = "the list of "


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The video models of a provider's list: the day it was fetched (`2026-05-28`), its source, and its rows.

    `missing` is how many rows of the list were not delivered or not readable. `format` is one of FORMATS.
    """

    fetched_on: str
    source: str
    provider: str = DEFAULT_PROVIDER
    format: str = "cometapi"
    models: tuple[Mapping[str, Any], ...]
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One reply: its readable rows, its number of rows, and the total number, if given."""

    rows: tuple[Mapping[str, Any], ...]
    size: int
    total: int


def format_of(provider: Provider) -> str:
    """How the list of this provider is written: by its name, else by its only wire format."""
    return next((name for name in (provider.name, provider.own_dialect) if name in FORMATS), "cometapi")


def read_page(body: bytes, *, within: str = "data", key: str = "id") -> Page:
    """Read one reply, the whole list or a page. Raises UnreadableReply if it is not a list of models."""
    try:
        document = json.loads(body, parse_float=str)
    except (ValueError, RecursionError):
        document = None
    found = document.get(within) if isinstance(document, dict) else document
    if not isinstance(found, list):
        raise UnreadableReply("the reply is not a list of models", body[:200].decode("utf-8", "replace"))
    total = document.get("total") if isinstance(document, dict) else None
    rows = tuple(row for row in found if isinstance(row, dict) and name_of(row, key))
    return Page(rows, len(found), total if isinstance(total, int) else len(found))


def merged_with(models: Models, listing: Listing, routes: Collection[str] = ()) -> Models:
    """The catalogue with the list's prices and limits at its provider, and with its other video models as rows.

    A row that the catalogue cannot take is left out.
    """
    overrides: dict[str, dict[str, Any]] = {}
    sold = models.at(listing.provider, routes)
    for row in listing.models:
        name = name_of(row, KEYS.get(listing.format, "id"))
        known = sold.find_listed(name, routes)
        fields, tiers = _read(listing.format, row, known)
        if tiers:
            fields["price"] = {"as_of": listing.fetched_on, "source": listing.source, "tiers": tuple(tiers)}
        if not name or not fields or (known is None and "dialect" not in fields and len(routes) != 1):
            continue
        with suppress(UsageError):
            as_model(name, {"name": name, "dialect": "veo", **fields})
            overrides[name] = fields
    return models.merged_with(overrides, listing.provider, routes=routes, is_vendors=True)


def _read(style: str, row: Mapping[str, Any], known: Model | None) -> tuple[dict[str, Any], list[Any]]:
    """The fields of a row, and its price lines.

    CometAPI's list has one price for every resolution, mode and sound: tiers of the catalogue that distinguish them
    stay, and the price of the list applies to everything else.
    """
    if style == "openrouter":
        fields = openrouter_listing.fields_of(row, known)
        return fields, openrouter_listing.tiers_of(
            row, fields.get("durations_s") or (known.durations_s if known else ())
        )
    if style == "fal":
        return {}, fal_listing.tiers_of(row, known)
    price = cometapi_listing.price_of(row)
    finer = [tier for tier in known.price.tiers if not tier.is_plain] if known and known.price else []
    return {} if known else {"dialect": cometapi_listing.dialect_of(row)}, [*finer, price] if price else []


def cache_file(provider: str = DEFAULT_PROVIDER) -> Path:
    """Where the last list of a provider is saved: below XDG_CACHE_HOME, or ~/.cache."""
    name = FILENAME if provider == DEFAULT_PROVIDER else f"models-{quote(provider, safe='')}.json"
    root = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(root):  # noqa: PTH117 - "" is no absolute path
        return Path(root) / "batchvid" / name
    try:
        return Path.home() / ".cache" / "batchvid" / name
    except RuntimeError:  # no HOME, and no user with that number, as in a container
        return Path(tempfile.gettempdir()) / f"batchvid-cache-{os.getuid()}" / name


def save(listing: Listing, file: Path) -> None:
    """Write the dated copy, whole or not at all. Raises OSError."""
    facts = {"fetched_on": listing.fetched_on, "source": listing.source, "provider": listing.provider}
    write_atomic(file, json.dumps({**facts, "format": listing.format, "models": list(listing.models)}))


def load_all_saved() -> Iterator[Listing]:
    """The dated copies of all providers."""
    folder = cache_file().parent
    with suppress(OSError):
        for file in sorted(folder.glob("models*.json")):
            if listing := load_saved(file):
                yield listing


def load_saved(file: Path) -> Listing | None:
    """The dated copy; None when it is missing or unreadable: the next refresh writes it again."""
    try:
        document = json.loads(file.read_bytes())
        style, source = str(document.get("format", "cometapi")), str(document["source"])
        saved_by = source.removeprefix(_SAVED_BY) if source.startswith(_SAVED_BY) else DEFAULT_PROVIDER
        return Listing(
            fetched_on=str(document["fetched_on"]),
            source=source,
            provider=str(document.get("provider", saved_by)),  # older versions had one file, and named it in the source
            format=style,
            models=read_page(json.dumps(document["models"]).encode(), key=KEYS.get(style, "id")).rows,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UnreadableReply):
        return None
