"""The user's files: `batchvid.toml` beside the manifest, or the file that BATCHVID_CATALOG names.

out = "renders"                   # the directory of all batches, relative to this file; also from a folder above

[models.house-model]              # a new model needs a dialect; a known one only what differs
dialect = "videos"
durations_s = "4-12"
price = { as_of = "2026-11", source = "our contract", tiers = [{ usd_per_s = 0.03 }] }  # at every provider

[providers.office]                # the keys of a manifest's provider
dialect = "gateway"
base_url = "https://gw.example.com"
api_key_env = "GW_KEY"

[providers.office.models.house-model]             # only what this provider sells differently
price = { usd_per_s = 0.02 }

[dialects.acme]                   # a wire format as data, see catalog/wire_formats.py
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from batchvid.catalog import remote_listing, wire_formats
from batchvid.catalog.models import Models, built_in, built_in_routes
from batchvid.errors import UsageError
from batchvid.near_matches import did_you_mean

FILENAME = "batchvid.toml"
VARIABLE = "BATCHVID_CATALOG"
TABLES = ("models", "providers")
KEYS = ("out", *TABLES, wire_formats.TABLE)
LIMITS = ("concurrency", "timeout_s", "queue_timeout_s")
"""The keys of a provider's `models` that limit the provider; all others are about what it sells."""

Rows = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class UserCatalog:
    """One such file: rows by name, and `out` as written, empty if it is not."""

    models: Rows
    providers: Rows
    out: str = ""


def load_models(folder: Path) -> Models:
    """The built-in models, overridden by the last fetched lists, and by the user's files for this folder.

    The wire formats of these files are known afterwards.
    """
    define_formats(folder)
    models = built_in()
    catalogs = [(file, read(file)) for file in user_catalog_files(folder)]
    for fetched in remote_listing.load_all_saved():
        models = remote_listing.merged_with(models, fetched, _routes(fetched.provider, catalogs))
    for file, catalog in catalogs:
        models = _merged(models, file, catalog.models)
    for file, catalog in catalogs:
        for provider, row in catalog.providers.items():
            models = _merged(models, file, _sold(file, provider, row), provider, _routes(provider, catalogs))
    return models


def define_formats(folder: Path) -> dict[str, wire_formats.WireFormat]:
    """Make the wire formats of the user's files for this folder known. Raises UsageError."""
    found: dict[str, wire_formats.WireFormat] = {}
    for file in user_catalog_files(folder):
        tables, own = _tables(file), {}
        if wire_formats.TABLE in tables:
            own = wire_formats.define_all(wire_formats.read_wire_formats(file).values())
        providers = tables.get("providers", {})
        for row in providers.values() if isinstance(providers, dict) else ():
            if one := wire_formats.define_for(row.get("dialect") if isinstance(row, dict) else None, file.parent, own):
                own[one.name] = one
        found |= own
    return found


def _routes(provider: str, catalogs: Iterable[tuple[Path, UserCatalog]]) -> Collection[str]:
    """The wire formats of a provider, as far as the user's files and the built-in rows say them."""
    dialects = [catalog.providers.get(provider, {}).get("dialect") for _, catalog in catalogs]
    return [one for one in dialects if isinstance(one, str)][-1:] or built_in_routes(provider)


def _merged(models: Models, file: Path, rows: Rows, provider: str = "", routes: Collection[str] = ()) -> Models:
    try:
        return models.merged_with(rows, provider, routes=routes) if rows else models
    except UsageError as exc:
        raise UsageError(f"{file}: {f'providers.{provider}: ' if provider else ''}{exc}") from None


def _sold(file: Path, provider: str, row: Mapping[str, Any]) -> Rows:
    """What a provider of a user's file sells differently: its `models` without their limits."""
    rows = row.get("models", {})
    if not isinstance(rows, dict) or not all(isinstance(one, dict) for one in rows.values()):
        raise UsageError(f"{file}: providers.{provider}.models: must have a table for each name")
    sold = {name: {key: value for key, value in one.items() if key not in LIMITS} for name, one in rows.items()}
    return {name: one for name, one in sold.items() if one}


def user_catalog_files(folder: Path) -> list[Path]:
    """The user's files in the order in which they override: that of the environment, then that of the folder."""
    named = os.environ.get(VARIABLE, "")
    local = folder / FILENAME
    return [*([Path(named)] if named else []), *([local] if local.is_file() else [])]


def read(file: Path) -> UserCatalog:
    """Read one file, without its wire formats. Raises UsageError for an invalid file."""
    tables = _tables(file)
    for key in sorted(tables.keys() - set(KEYS)):
        hints = filter(None, (did_you_mean(key, KEYS, limit=1), f"Allowed: {', '.join(KEYS)}"))
        raise UsageError(f"{file}: {key}: unknown key; {' '.join(hints)}")
    out = tables.get("out", "")
    if not isinstance(out, str) or ("out" in tables and not out.strip()):
        raise UsageError(f'{file}: out: must be the name of a folder, such as out = "renders"')
    for table in TABLES:
        rows = tables.get(table, {})
        if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
            raise UsageError(f"{file}: {table}: must have a table for each name, such as [{table}.NAME]")
    providers = {
        name: row | {"dialect": wire_formats.name_of(row["dialect"])} if isinstance(row.get("dialect"), str) else row
        for name, row in tables.get("providers", {}).items()
    }
    return UserCatalog(tables.get("models", {}), providers, out)


def _tables(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(wire_formats.read_text(file), parse_float=Decimal)
    except ValueError as exc:
        raise UsageError(f"{file}: {exc}") from None


def find_project_out(folder: Path) -> Path | None:
    """The directory of all batches that the nearest batchvid.toml with the key `out` sets, in this folder or above.

    Raises UsageError for an invalid file.
    """
    start = folder.resolve() if ".." in folder.parts else folder.absolute()
    for place in (start, *start.parents):
        file = place / FILENAME
        if not _is_file(file) or not (out := read(file).out):
            continue
        try:
            return place / Path(out).expanduser()
        except RuntimeError as exc:
            raise UsageError(f"{file}: out: {out}: {exc}") from None
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder above that this user may not search
        return False
