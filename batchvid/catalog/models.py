"""All models: families with what they can do, and layers with what each provider, list and user's file states."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from batchvid.catalog.data_files import MODEL_DEFAULTS, family_files, provider_files
from batchvid.catalog.model import Model
from batchvid.catalog.provider_models import Fields, Layer, ModelMerger, ProviderModels, as_model, family
from batchvid.dialects import DIALECTS
from batchvid.errors import UsageError

Rows = Mapping[str, Fields]


@dataclass(frozen=True, slots=True)
class Models:
    """The catalogue. `families` are by name, without prices; a later one of the `layers` replaces an earlier one."""

    families: Mapping[str, Model]
    layers: tuple[Layer, ...] = ()
    _views: dict[tuple[str, tuple[str, ...], bool, bool], ProviderModels] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @property
    def rows(self) -> Mapping[str, Model]:
        """Every model that has a row somewhere, by name: what it can do, without any provider's price."""
        return self.at("", (), sees_all=True).rows

    def at(
        self, provider: str, routes: Collection[str], *, sees_all: bool = False, is_elsewhere: bool = False
    ) -> ProviderModels:
        """What the provider of that name sells over its routes. Merged once.

        `sees_all` adds every other model. With `is_elsewhere` the vendor's prices do not count.
        """
        key = (provider, tuple(routes), sees_all, is_elsewhere)
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = self._merge(*key)
        return view

    def _merge(self, provider: str, routes: tuple[str, ...], sees_all: bool, is_elsewhere: bool) -> ProviderModels:
        merger = ModelMerger(self.families, routes)
        for layer in self.layers:
            if layer.provider in ("", provider):
                merger.apply(layer.without_prices() if is_elsewhere and layer.is_vendors else layer)
        for layer in self.layers if sees_all else ():
            if layer.provider not in ("", provider):
                merger.add_unknown(layer)
        return ProviderModels(MappingProxyType(merger.rows), merger.unlisted)

    def merged_with(
        self, rows: Rows, provider: str = "", *, routes: Collection[str] = (), is_vendors: bool = False
    ) -> Models:
        """The catalogue with these rows over it, field by field: of one provider, or of every provider.

        A new model needs a `dialect`, unless its provider has only one route, or `routes` are not known yet. Rows with
        a dialect that this version does not support are left out. Raises UsageError for an invalid row.
        """
        known = self.at(provider, routes).rows if provider else self.rows
        names = {name for key, model in known.items() for name in (key, model.name, *model.aliases)}
        for name, row in rows.items():
            dialect, slash, _vendor_id = name.partition("/")
            is_placed = bool(slash) and dialect in DIALECTS
            if name not in names and "dialect" not in row and not is_placed and not (provider and len(routes) < 2):
                words = ", ".join(routes or DIALECTS)
                hint = "" if provider else f"; one provider's own id is written [providers.NAME.models.{name}]"
                raise UsageError(f"model {name}: is not built in, and needs a dialect: {words}{hint}")
            if row.get("dialect", "veo") in DIALECTS:
                as_model(name, {"name": name, "dialect": "veo", **row})
        only_dialect = next(iter(routes)) if len(routes) == 1 else ""
        layer = Layer(provider=provider, models=rows, only_dialect=only_dialect, is_vendors=is_vendors)
        return Models(self.families, (*self.layers, layer))


@cache
def built_in() -> Models:
    """The models of data/, without those in wire formats that this version does not support."""
    families = {name: model for table in family_files() for name, model in family(table)}
    return Models(MappingProxyType(families), tuple(_layer(name, table) for name, table in provider_files().items()))


def built_in_routes(provider: str) -> tuple[str, ...]:
    """The dialects of a built-in provider; none for any other."""
    routes = provider_files().get(provider, {}).get("routes", {})
    return tuple(dialect for dialect in routes if dialect in DIALECTS)


def _layer(provider: str, table: Mapping[str, Any]) -> Layer:
    routes = built_in_routes(provider)
    return Layer(
        provider=provider,
        models=table.get("models", {}),
        dialects=table.get("dialects", {}),
        common={key: table[key] for key in MODEL_DEFAULTS if key in table},
        only_dialect=next(iter(routes)) if len(routes) == 1 else "",
        is_vendors=True,
    )
