"""The built-in data: one file for each family of models, one for each provider."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

FAMILIES = ("veo", "sora", "seedance", "kling", "runway", "xai", "videos", "gateway", "newapi")
"""The families that are listed first, in this order; the others follow by their names."""
MODEL_TABLES = ("models", "dialects")
"""The tables of a provider's file that say what it sells."""
MODEL_DEFAULTS = ("link_lifetime_s", "charged_on_failure", "refresh_s")
"""The keys at the top of a provider's file that hold for every model of this provider."""


@cache
def family_files() -> tuple[Mapping[str, Any], ...]:
    """The files of data/models: what models can do, at whichever provider."""
    order = {name: place for place, name in enumerate(FAMILIES)}
    return tuple(table for _name, table in sorted(_read("models"), key=lambda file: (order.get(file[0], 99), file[0])))


@cache
def provider_files() -> Mapping[str, Mapping[str, Any]]:
    """The files of data/providers by the provider's name; the default one is first."""
    return dict(sorted(_read("providers"), key=lambda file: (file[0] != "cometapi", file[0] == "emulator", file[0])))


def _read(folder: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for file in resources.files(__package__).joinpath("data", folder).iterdir():
        name, dot, ending = file.name.rpartition(".")
        if dot and ending == "toml":
            yield name, tomllib.loads(file.read_text("utf-8"), parse_float=Decimal)
