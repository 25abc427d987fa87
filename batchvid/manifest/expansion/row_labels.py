"""Names the row of a job, and the columns that a field reads, for a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batchvid.manifest.expansion.entry import ClipEntryContext, FieldValue
from batchvid.manifest.expansion.matrix import JobDraft
from batchvid.manifest.expansion.table_columns import texts_in


def row_of(entry: ClipEntryContext, draft: JobDraft, field: str, values: Sequence[FieldValue]) -> str:
    """The row with a problem, and the columns that the field uses."""
    written = [value.value for value in values if not value.column]
    columns = columns_read(entry, draft, written)
    if columns is None:
        return ""  # the template itself is wrong, in every row
    own = draft.source.field_columns.get(field)
    return with_columns(draft, [*columns, own] if own and own not in columns else columns)


def columns_read(entry: ClipEntryContext, draft: JobDraft, written: Sequence[Any]) -> list[str] | None:
    """The columns that the texts read; None when one of them is no template."""
    known = tuple(draft.source.columns)
    try:
        found = [entry.shared.templates.columns(text, known) for value in written for text in texts_in(value)]
    except ValueError:
        return None
    return sorted(frozenset().union(*found))


def with_columns(draft: JobDraft, columns: Sequence[str] | None) -> str:
    """The row and these columns; empty without columns to look at."""
    if columns is None or not draft.source.row:
        return "" if columns is None else draft.source.row
    return f"{draft.source.row}: column {', '.join(columns)}" if columns else draft.source.row
