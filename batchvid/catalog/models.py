"""All models, found by name, alias or `dialect/id`; and the built-in ones, read from data/."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from batchvid.catalog.model import Model
from batchvid.dialects import DIALECTS
from batchvid.errors import UsageError
from batchvid.near_matches import did_you_mean
from batchvid.quoting import quoted

FAMILIES = ("veo", "sora", "seedance", "kling", "runway", "xai", "videos", "gateway", "newapi", "fal")
"""The files of data/ with models, in the order in which they are listed."""

_MODEL = TypeAdapter(Model)


@dataclass(frozen=True, slots=True)
class Models:
    """The catalogue. `rows` are by name; a model with several wire formats has further rows `dialect/name`."""

    rows: Mapping[str, Model]

    def find(self, name: str, dialects: Collection[str] = ()) -> Model:
        """The model with that name or alias, preferably in one of `dialects`.

        `dialect/vendor-id` names any model of a known dialect, without limits or price. Raises UsageError, with
        similar names, for anything else.
        """
        listed = self.named(name)
        if listed and (not dialects or listed.dialect in dialects):
            return listed
        elsewhere = next(filter(None, (self.rows.get(f"{dialect}/{name}") for dialect in dialects)), None)
        if found := elsewhere or listed:
            return found
        dialect, slash, vendor_id = name.partition("/")
        if slash and vendor_id and dialect in DIALECTS:
            known = self.named(vendor_id)
            return known if known and known.dialect == dialect else Model(name=vendor_id, dialect=dialect)
        sold = [row for row, model in self.rows.items() if not dialects or model.dialect in dialects]
        near = did_you_mean(name, sold) or did_you_mean(name, self.rows) or "batchvid models lists them."
        raise UsageError(
            f"unknown model {quoted(name)}; {near} "
            f"Any other model of a known wire format is written {'|'.join(DIALECTS)}/its-id"
        )

    def merged_with(self, overrides: Mapping[str, Mapping[str, Any]]) -> Models:
        """The catalogue with these rows merged in, field by field; a new model needs a `dialect`.

        Rows with a dialect that this version does not support are left out. Raises UsageError for an invalid row.
        """
        rows = dict(self.rows)
        for name, override in overrides.items():
            found = self.named(name)
            key = next((key for key, row in rows.items() if row is found), name)
            before = {} if found is None else {f.name: getattr(found, f.name) for f in fields(found)}
            row = {"name": name, **before, **override}
            if row.get("dialect") in DIALECTS:
                rows[key] = as_model(name, row)
            elif "dialect" not in row:
                raise UsageError(f"model {name}: is not built in, and needs a dialect: {', '.join(DIALECTS)}")
        return Models(MappingProxyType(rows))

    def named(self, name: str) -> Model | None:
        """The row with that name or alias."""
        aliased = (model for model in self.rows.values() if name in model.aliases)
        return self.rows.get(name) or next(aliased, None)


@cache
def built_in() -> Models:
    """The models of data/, without those in wire formats that this version does not support."""
    rows: dict[str, Model] = {}
    for name in FAMILIES:
        rows |= dict(family(tomllib.loads(data(f"{name}.toml"), parse_float=Decimal)))
    return Models(MappingProxyType(rows))


def family(table: Mapping[str, Any]) -> Iterable[tuple[str, Model]]:
    """The models of a file: each overrides the common fields of its family. `named` is a prefix of the row names."""
    common = dict(table["family"])
    prefix = common.pop("named", "")
    for name, fields_of_model in table["models"].items():
        row = {**common, **fields_of_model, "name": name}
        if row["dialect"] in DIALECTS:
            yield f"{prefix}{name}", as_model(name, row)


def data(filename: str) -> str:
    """A file of the built-in data."""
    return resources.files(__package__).joinpath("data", filename).read_text("utf-8")


def as_model(name: str, row: Mapping[str, Any]) -> Model:
    """A row as a Model. Raises UsageError with every invalid field."""
    try:
        return _MODEL.validate_python(row)
    except ValidationError as exc:
        wrong = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors(include_input=False))
        raise UsageError(f"model {name}: {'; '.join(wrong)}") from None
