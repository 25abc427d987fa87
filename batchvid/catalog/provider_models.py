"""What one provider sells: models by name, alias or `dialect/id`, with this provider's prices, limits and defaults."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from batchvid.catalog.model import INPUTS, Model
from batchvid.dialects import DIALECTS
from batchvid.errors import UsageError
from batchvid.near_matches import did_you_mean
from batchvid.quoting import quoted

Fields = Mapping[str, Any]
ONLY = "only"

_MODEL = TypeAdapter(Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Fields that replace those below: of one provider, or of every provider if `provider` is empty.

    `models` are by name. `dialects` are for every model in a wire format, and `common` for every model; their price is
    only for models that have a row. With `only`, a wire format has no other rows than these. A new model
    has the wire format of its `dialect`, else of its name (`dialect/id`), else `only_dialect`: that of a provider with
    exactly one. `is_vendors` is for what is stated of the vendor, not by the user.
    """

    provider: str = ""
    models: Mapping[str, Fields]
    dialects: Mapping[str, Fields] = field(default_factory=dict)
    common: Fields = field(default_factory=dict)
    only_dialect: str = ""
    is_vendors: bool = False

    def without_prices(self) -> Layer:
        """The same without its prices."""
        return replace(
            self,
            models={name: _unpriced(row) for name, row in self.models.items()},
            dialects={name: _unpriced(row) for name, row in self.dialects.items()},
        )


@dataclass(frozen=True, slots=True)
class ProviderModels:
    """The models of one provider. A model in several wire formats has further rows `dialect/name`.

    `unlisted` has the fields of any other model by its dialect. `found` holds what `find_model` found, by name.
    """

    rows: Mapping[str, Model]
    unlisted: Mapping[str, Fields] = field(default_factory=dict)
    found: dict[str, Model] = field(default_factory=dict, compare=False, repr=False)

    def find(self, name: str, dialects: Collection[str] = ()) -> Model:
        """The model with that name or alias, preferably in one of `dialects`.

        `dialect/vendor-id` names any model of a known dialect. Raises UsageError, with similar names, for anything
        else.
        """
        if found := self.find_listed(name, dialects) or self.named(name):
            return found
        dialect, slash, vendor_id = name.partition("/")
        if slash and vendor_id and dialect in DIALECTS:
            known = self.named(vendor_id)
            return known if known and known.dialect == dialect else self.as_unlisted(vendor_id, dialect)
        sold = [row for row, model in self.rows.items() if not dialects or model.dialect in dialects]
        near = did_you_mean(name, sold) or did_you_mean(name, self.rows) or "batchvid models lists them."
        raise UsageError(
            f"unknown model {quoted(name)}; {near} "
            f"Any other model of a known wire format is written {'|'.join(DIALECTS)}/its-id"
        )

    def find_listed(self, name: str, dialects: Collection[str] = ()) -> Model | None:
        """The row with that name or alias, in one of `dialects` if there are any; None if there is none."""
        listed = self.named(name)
        if listed and (not dialects or listed.dialect in dialects):
            return listed
        return next(filter(None, (self.rows.get(f"{dialect}/{name}") for dialect in dialects)), None)

    def named(self, name: str) -> Model | None:
        """The row with that name or alias."""
        aliased = (model for model in self.rows.values() if name in model.aliases)
        return self.rows.get(name) or next(aliased, None)

    def as_unlisted(self, vendor_id: str, dialect: str) -> Model:
        """A model that is not listed, by the vendor's id: without limits or price, unless the provider states some."""
        stated = self.unlisted.get(dialect)
        if not stated:
            return Model(name=vendor_id, dialect=dialect)
        return as_model(vendor_id, {**stated, "name": vendor_id, "dialect": dialect})


class ModelMerger:
    """Puts layers over the families of models, for a provider with these routes."""

    def __init__(self, families: Mapping[str, Model], routes: Collection[str]) -> None:
        self.rows: dict[str, Model] = {}
        self._keys: dict[str, list[str]] = {}  # of the rows of a model, in whichever wire format, by any of its names
        for key, model in families.items():
            self._set(key, model)
        self.unlisted: dict[str, dict[str, Any]] = {}
        self._routes = routes
        self._only_dialect = next(iter(routes)) if len(routes) == 1 else ""

    def apply(self, layer: Layer) -> None:
        """Put a layer over the rows, field by field. Raises UsageError for an invalid row."""
        if layer.common or layer.dialects:
            for key, model in list(self.rows.items()):
                if model.dialect not in self._routes:
                    continue
                if model.name not in layer.dialects.get(model.dialect, {}).get(ONLY, (model.name,)):
                    self._drop(key)
                elif stated := _fitting(model, {**layer.common, **layer.dialects.get(model.dialect, {})}):
                    self._set(key, as_model(model.name, {**_fields(model), **stated}))
            for dialect in DIALECTS:
                stated = {**layer.common, **layer.dialects.get(dialect, {})}
                if stated := {key: value for key, value in stated.items() if key not in ("price", ONLY)}:
                    self.unlisted.setdefault(dialect, {}).update(stated)
        for name, row in layer.models.items():
            self._apply_row(name, row, layer)

    def add_unknown(self, layer: Layer) -> None:
        """Add only the models of a layer that have no row yet."""
        for name, row in layer.models.items():
            if name not in self._keys and _dialect(name, row, layer.only_dialect) in DIALECTS:
                self._add(name, row, layer.only_dialect)

    def _apply_row(self, name: str, row: Fields, layer: Layer) -> None:
        dialect = row.get("dialect")
        if dialect is not None and dialect not in DIALECTS:
            return
        keys = [key for key in self._keys.get(name, ()) if self._is_meant(self.rows[key], layer)]
        if dialect is not None:
            keys = [key for key in keys if self.rows[key].dialect == dialect] or keys[:1]
        for key in keys:
            self._set(key, as_model(name, {**_fields(self.rows[key]), **row}))
        if not keys:
            self._add(name, row, layer.only_dialect or (self._only_dialect if layer.provider else ""))

    def _add(self, name: str, row: Fields, only_dialect: str) -> None:
        dialect = _dialect(name, row, only_dialect)
        if not dialect:
            return  # a row for every provider, of a model that this one does not sell
        vendor_id = name.removeprefix(f"{dialect}/") if "dialect" not in row else name
        key = f"{dialect}/{vendor_id}" if name in self.rows else name
        stated = self.unlisted.get(dialect, {})
        self._set(key, as_model(name, {**stated, "name": vendor_id, "dialect": dialect, **row}))

    def _drop(self, key: str) -> None:
        del self.rows[key]
        for name in [name for name, keys in self._keys.items() if key in keys]:
            self._keys[name].remove(key)
            if not self._keys[name]:
                del self._keys[name]

    def _set(self, key: str, model: Model) -> None:
        self.rows[key] = model
        for name in (key, *model.aliases, key.removeprefix(f"{model.dialect}/")):
            keys = self._keys.setdefault(name, [])
            if key not in keys:
                keys.append(key)

    def _is_meant(self, model: Model, layer: Layer) -> bool:
        return not layer.provider or model.dialect in self._routes


def _dialect(name: str, row: Fields, only_dialect: str) -> str:
    written, slash, _vendor_id = name.partition("/")
    return str(row.get("dialect", "")) or (written if slash and written in DIALECTS else only_dialect)


def _fitting(model: Model, stated: dict[str, Any]) -> dict[str, Any]:
    """What is stated of a whole wire format, as far as it fits: a model without images does not need one."""
    stated.pop(ONLY, None)
    takes = model.images is None or model.images.get(INPUTS.get(stated.get("needs", ""), ""))
    if "needs" in stated and (model.needs or not takes):
        del stated["needs"]
    return stated


def _unpriced(row: Fields) -> Fields:
    return {key: value for key, value in row.items() if key != "price"}


def _fields(model: Model) -> dict[str, Any]:
    return {one.name: getattr(model, one.name) for one in fields(model)}


def family(table: Mapping[str, Any]) -> Iterable[tuple[str, Model]]:
    """The models of a file: each overrides the common fields of its family. `named` is a prefix of the row names."""
    common = dict(table["family"])
    prefix = common.pop("named", "")
    for name, fields_of_model in table["models"].items():
        row = {**common, **fields_of_model, "name": name}
        if row["dialect"] in DIALECTS:
            yield f"{prefix}{name}", as_model(name, row)


def as_model(name: str, row: Fields) -> Model:
    """A row as a Model. Raises UsageError with every invalid field."""
    try:
        return _MODEL.validate_python(row)
    except ValidationError as exc:
        wrong = (f"{'.'.join(map(str, e['loc']))}: {_problem(e)}" for e in exc.errors(include_input=False))
        raise UsageError(f"model {name}: {'; '.join(wrong)}") from None


def _problem(error: ErrorDetails) -> str:
    if error["type"] == "unexpected_keyword_argument":
        known = (one.name for one in fields(Model)) if len(error["loc"]) == 1 else ()
        return " ".join(filter(None, ("unknown key;", did_you_mean(str(error["loc"][-1]), known)))).rstrip(";")
    return error["msg"].removeprefix("Value error, ")
