"""`where:` leaves out the rows or images that do not meet a condition."""

from __future__ import annotations

from collections.abc import Iterator

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.types import EntryCounts

MAX_NAMED_ROWS = 5  # of those that are left out


def filter_sources(entry: ClipEntryContext, field: str, sources: Iterator[Source]) -> Iterator[Source]:
    """The sources that meet the entry's condition; they are counted in `entry_counts`."""
    where = entry.clip.where
    found = selected = 0
    left_out: list[str] = []
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
        elif len(left_out) < MAX_NAMED_ROWS:
            left_out.append(source.row)
    if found and not selected:
        entry.shared.problems.warn(entry.place_of("where"), f"where: leaves none of the {found} {field}")
    count_entry(entry, field, found, selected, left_out)


def count_entry(entry: ClipEntryContext, kind: str, read: int, kept: int, left_out: list[str]) -> None:
    """Record what an entry reads and keeps."""
    counts = EntryCounts(entry.place.entry, entry.place, kind, read, kept, read - kept, tuple(left_out))
    entry.shared.entry_counts.append(counts)
