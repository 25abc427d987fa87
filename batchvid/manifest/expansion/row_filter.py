"""`where:` leaves out the rows or images that do not meet a condition."""

from __future__ import annotations

from collections.abc import Iterator

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.source import Source


def filter_sources(entry: ClipEntryContext, field: str, sources: Iterator[Source]) -> Iterator[Source]:
    """The sources that meet the entry's condition."""
    where = entry.clip.where
    found = selected = 0
    for source in sources:
        found += 1
        try:
            is_selected = where is None or entry.shared.templates.evaluate(where, source.variables)
        except ValueError as exc:
            entry.add_problem("where", f"{exc} (a column is text: write price|float > 5)", source.row)
            return
        if is_selected:
            selected += 1
            yield source
    if found and not selected:
        entry.add_problem("where", f"leaves none of the {found} {field}")
