"""The columns that the fields of an entry read, for messages about jobs that are expanded already."""

from __future__ import annotations

from collections.abc import Mapping

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.expansion.table_columns import name_columns, texts_in


def field_columns(entry: ClipEntryContext, source: Source) -> Mapping[str, tuple[str, ...]]:
    """The columns by field, also for `id`; the same for every row of one table."""
    if not source.columns:
        return {}
    known = tuple(source.columns)
    found = {field: [column] for field, column in source.field_columns.items()}
    for field, value in {**entry.fields, **entry.clip.matrix, "id": entry.clip.id}.items():
        for text in texts_in(value):
            try:
                found.setdefault(field, []).extend(sorted(entry.shared.templates.columns(text, known)))
            except ValueError:  # not a template: reported where it is rendered
                continue
    if entry.clip.id is None:
        found["id"] = [column for column in name_columns(entry, source) if column in source.columns]
    return {field: tuple(dict.fromkeys(columns)) for field, columns in found.items() if columns}
