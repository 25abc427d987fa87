"""The user's catalogue: `batchvid.toml` beside the manifest, or the file that BATCHVID_CATALOG names.

[models.house-model]              # a new model needs a dialect; a known one only what differs
dialect = "videos"
durations_s = "4-12"
price = { as_of = "2026-11", source = "our contract", tiers = [{ usd_per_s = 0.03 }] }

[providers.office]                # the keys of a manifest's provider
dialect = "gateway"
base_url = "https://gw.example.com"
api_key_env = "GW_KEY"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from batchvid.catalog import remote_listing
from batchvid.catalog.models import Models, built_in
from batchvid.errors import UsageError

FILENAME = "batchvid.toml"
VARIABLE = "BATCHVID_CATALOG"

Rows = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class UserCatalog:
    """The tables of one such file: rows by name."""

    models: Rows
    providers: Rows


def load_models(folder: Path) -> Models:
    """The built-in models, overridden by the last fetched list, and by the user's files for this folder."""
    fetched = remote_listing.load_saved(remote_listing.cache_file())
    models = remote_listing.merged_with(built_in(), fetched) if fetched else built_in()
    for file in user_catalog_files(folder):
        try:
            models = models.merged_with(read(file).models)
        except UsageError as exc:
            raise UsageError(f"{file}: {exc}") from None
    return models


def user_catalog_files(folder: Path) -> list[Path]:
    """The user's files in the order in which they override: that of the environment, then that of the folder."""
    named = os.environ.get(VARIABLE, "")
    local = folder / FILENAME
    return [*([Path(named)] if named else []), *([local] if local.is_file() else [])]


def read(file: Path) -> UserCatalog:
    """Read one file. Raises UsageError for an invalid file."""
    try:
        tables = tomllib.loads(file.read_text("utf-8"), parse_float=Decimal)
    except OSError as exc:
        raise UsageError(f"{file}: {exc.strerror}") from None
    except ValueError as exc:  # not UTF-8, not TOML
        raise UsageError(f"{file}: {exc}") from None
    if unknown := sorted(tables.keys() - {"models", "providers"}):
        raise UsageError(f"{file}: {unknown[0]}: unknown table; allowed are models and providers")
    for table, rows in tables.items():
        if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
            raise UsageError(f"{file}: {table}: must have a table for each name, such as [{table}.NAME]")
    return UserCatalog(tables.get("models", {}), tables.get("providers", {}))
