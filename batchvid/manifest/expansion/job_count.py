"""Counts the jobs of a manifest before it is expanded: a typing error in a matrix must not fill the memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.field_values import find_takes
from batchvid.manifest.expansion.image_sources import count_images
from batchvid.manifest.expansion.sources import sources
from batchvid.manifest.expansion.table_files import is_rereadable, table_files
from batchvid.manifest.reading.problems import Problems
from batchvid.manifest.reading.table_reader import count_rows
from batchvid.manifest.schema.field_types import MAX_TAKES
from batchvid.manifest.schema.rows import InlineRows

MAX_JOBS = 1_000_000
"""Of one manifest; more need --many."""


def count_jobs(entries: Sequence[ClipEntryContext], enough: int = MAX_JOBS) -> int:
    """How many jobs the entries make: rows or images x matrix x takes.

    An upper bound where that is not above `enough`; otherwise every row is read and counted, none is kept.
    """
    sources_of = [_max_sources(entry) for entry in entries]
    for max_takes in (_possible_takes, _max_takes):  # the second one reads a row
        most = sum(_cells(entry) * max_takes(entry) * count for entry, count in zip(entries, sources_of, strict=True))
        if most <= enough:
            return most
    return sum(_cells(entry) * _count_takes(entry) for entry in entries)


def find_largest(entries: Sequence[ClipEntryContext]) -> ClipEntryContext:
    """The entry that makes most jobs."""
    return max(entries, key=lambda entry: _cells(entry) * _max_takes(entry) * _max_sources(entry))


def describe_count(largest: ClipEntryContext, count: int) -> str:
    """`the manifest makes 12,000,000 clips, most of them here (3 rows or images x 100 takes)`."""
    fixed = largest.clip.takes if isinstance(largest.clip.takes, int) else 1
    number, jobs = _count_sources(largest), _count_takes(largest)
    takes = [(fixed, "takes")] if jobs == number * fixed else [(jobs, "takes of all rows together")]
    sources = [(number, "rows or images")] if jobs == number * fixed else []
    factors = (*sources, (_cells(largest), "cells of the matrix"), *takes)
    product = " x ".join(f"{number:,} {what}" for number, what in factors if number > 1)
    return f"the manifest makes {count:,} clips, most of them here ({product})"


def _cells(entry: ClipEntryContext) -> int:
    return math.prod(len(values) for values in entry.clip.matrix.values())


def _possible_takes(entry: ClipEntryContext) -> int:
    """The most takes that one row may have: a template or a column may ask for any number."""
    takes = entry.clip.takes
    if takes is None:
        return 1
    is_fixed = isinstance(takes, int) and ("takes" in entry.clip.model_fields_set or not entry.clip.rows)
    return takes if is_fixed and isinstance(takes, int) else MAX_TAKES


def _max_takes(entry: ClipEntryContext) -> int:
    """The same, when the columns of the table are known."""
    takes = entry.clip.takes
    return takes if isinstance(takes, int) and not _has_takes_column(entry) else _possible_takes(entry)


def _has_takes_column(entry: ClipEntryContext) -> bool:
    """Whether the first row has one."""
    if not entry.clip.rows or not is_rereadable(entry):
        return False
    return any("takes" in source.field_columns for source in islice(sources(_silent(entry)), 1))


def _count_sources(entry: ClipEntryContext) -> int:
    """The exact number; what is wrong with a row is reported when it is expanded."""
    return sum(1 for _ in sources(_silent(entry))) if is_rereadable(entry) else 1


def _count_takes(entry: ClipEntryContext) -> int:
    """The takes of all rows or images together."""
    silent = _silent(entry)
    if not is_rereadable(entry):
        return 1
    return sum(find_takes(silent, source, source.variables) for source in sources(silent))


def _silent(entry: ClipEntryContext) -> ClipEntryContext:
    """The same entry, for reading its rows once more without a trace."""
    return replace(entry, shared=replace(entry.shared, problems=Problems(""), entry_counts=[]), tables={})


def _max_sources(entry: ClipEntryContext) -> int:
    """The lines of its tables, or the files that fit its pattern; 1 without either, or if they cannot be read."""
    rows = entry.clip.rows
    try:
        if isinstance(rows, InlineRows):
            return len(rows.rows)
        if rows and is_rereadable(entry):
            return sum(count_rows(path) for path in table_files(entry, rows).values())
        if entry.clip.images:
            return count_images(entry, entry.clip.images)
    except (OSError, ValueError):
        pass
    return 1
