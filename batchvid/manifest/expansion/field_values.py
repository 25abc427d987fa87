"""The values that the fields of a clip may have, in order: axis, entry, column of that name, defaults.

The first one that is not empty is the field's value. A field without one is left to the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchvid.manifest.expansion.entry import ClipEntryContext, FieldValue
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.schema.field_types import takes
from batchvid.quoting import quoted

EMPTY: tuple[Any, ...] = (None, "", [], {})
"""The values that are not given."""

_NO_CANDIDATES: tuple[tuple[FieldValue, ...], tuple[FieldValue, ...]] = ((), ())


def field_values(entry: ClipEntryContext, source: Source) -> Mapping[str, Sequence[FieldValue]]:
    """The values for each field, without those of the axes of the matrix."""
    values: dict[str, Sequence[FieldValue]] = dict(entry.values)
    for field, column in source.field_columns.items():
        if source.columns[column] and field != "takes":
            own, default = entry.candidates.get(field, _NO_CANDIDATES)
            values[field] = (*own, FieldValue(source.columns[column], entry.place, column=column), *default)
    for field, value in source.fields.items():
        values[field] = (FieldValue(value, entry.place_of("images"), is_final=True),)
    return values


def find_takes(entry: ClipEntryContext, source: Source, variables: Mapping[str, Any]) -> int:
    """How many takes the row has: as the entry or its column takes gives them, 1 by default. 0 after a problem."""
    written = entry.clip.takes
    if written is None:
        return 1
    if isinstance(written, int) and "takes" in entry.clip.model_fields_set:
        return written
    cell = source.columns[column] if (column := source.field_columns.get("takes")) else ""
    try:
        text = entry.shared.templates.render(written, variables).strip() if isinstance(written, str) else ""
        if not text and cell and column:
            entry.tables[tuple(source.columns)].set_fields.add("takes")
        return takes(text or cell or 1)
    except ValueError as exc:
        shown = "" if ", not " in str(exc) else f", not {quoted(text or cell)}"
        place = f"{source.row}: column {column}" if cell and not text else source.row
        entry.add_problem("takes", f"{exc}{shown}", place)
        return 0
