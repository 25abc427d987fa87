"""`where:` leaves out the rows or images that do not meet a condition."""

from __future__ import annotations

from collections.abc import Iterator

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.schema.cells import AmbiguousNumber, BadCell
from batchvid.manifest.schema.conditions import BadCondition, Condition
from batchvid.manifest.types import EntryCounts

MAX_NAMED_ROWS = 5  # of those that are left out


def filter_sources(entry: ClipEntryContext, kind: str, sources: Iterator[Source]) -> Iterator[Source]:
    """The sources that meet the entry's condition; they are counted in `entry_counts`."""
    where = entry.clip.where
    read = kept = 0
    left_out: list[str] = []
    for source, is_kept in _decided(entry, where, sources) if where is not None else ((one, True) for one in sources):
        read += 1
        if is_kept:
            kept += 1
            yield source
        elif len(left_out) < MAX_NAMED_ROWS:
            left_out.append(source.row)
    if read and not kept:
        entry.shared.problems.warn(entry.place_of("where"), f"where: leaves none of the {read} {kind}")
    count_entry(entry, kind, read, kept, left_out)


def count_entry(entry: ClipEntryContext, kind: str, read: int, kept: int, left_out: list[str]) -> None:
    """Record what an entry reads and keeps."""
    counts = EntryCounts(entry.place.entry, entry.place, kind, read, kept, read - kept, tuple(left_out))
    entry.shared.entry_counts.append(counts)


def _decided(entry: ClipEntryContext, where: str, sources: Iterator[Source]) -> Iterator[tuple[Source, bool]]:
    """Each source, and whether it meets the condition. What is wrong with it or with a cell is added to the problems.

    A number such as `1,234` is decided by the other cells of its column: from there on, all rows are read first.
    """
    condition: Condition | None = None
    is_last = False
    while (source := next(sources, None)) is not None:
        try:
            condition = condition or Condition(where, source.variables)
        except BadCondition as exc:
            entry.add_problem("where", str(exc))
            return
        try:
            is_kept = condition.holds(source.variables, is_last=is_last)
        except AmbiguousNumber:
            rest, is_last = list(sources), True
            for later in rest:
                condition.observe(later.variables)
            sources = iter((source, *rest))
            continue
        except BadCell as exc:
            entry.add_problem("where", str(exc), source.row)
            yield source, False
            continue
        for column in sorted(condition.empty_columns):
            text = (
                f"where: column {column} is empty, and an empty cell meets no comparison with a number; "
                f"{condition.written_as(column)}|float(0) counts it as 0"
            )
            entry.shared.problems.warn(entry.place_of("where"), text, source.row)
        yield source, is_kept
