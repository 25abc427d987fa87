"""Counts the jobs of a manifest before it is expanded: a typing error in a matrix must not fill the memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.image_files import matching
from batchvid.manifest.expansion.sources import sources
from batchvid.manifest.expansion.table_files import is_rereadable, table_files
from batchvid.manifest.reading.problems import Problems
from batchvid.manifest.reading.table_reader import count_rows
from batchvid.manifest.schema.rows import InlineRows

MAX_JOBS = 1_000_000
"""Of one manifest; more need --many."""


def count_jobs(entries: Sequence[ClipEntryContext], enough: int = MAX_JOBS) -> int:
    """How many jobs the entries make: rows or images x matrix x takes.

    An upper bound where that is not above `enough`; otherwise every row is read and counted, none is kept.
    """
    most = sum(_jobs_per_source(entry) * _max_sources(entry) for entry in entries)
    if most <= enough:
        return most
    return sum(_jobs_per_source(entry) * _sources(entry) for entry in entries)


def find_largest(entries: Sequence[ClipEntryContext]) -> ClipEntryContext:
    """The entry that makes most jobs."""
    return max(entries, key=lambda entry: _jobs_per_source(entry) * _max_sources(entry))


def describe_count(largest: ClipEntryContext, count: int) -> str:
    """`the manifest makes 12,000,000 clips, most of them here (3 rows or images x 100 takes)`."""
    takes = largest.clip.takes
    cells = _jobs_per_source(largest) // takes
    factors = ((_sources(largest), "rows or images"), (cells, "cells of the matrix"), (takes, "takes"))
    product = " x ".join(f"{number:,} {what}" for number, what in factors if number > 1)
    return f"the manifest makes {count:,} clips, most of them here ({product})"


def _jobs_per_source(entry: ClipEntryContext) -> int:
    return math.prod(len(values) for values in entry.clip.matrix.values()) * entry.clip.takes


def _sources(entry: ClipEntryContext) -> int:
    """The exact number; what is wrong with a row is reported when it is expanded."""
    if not is_rereadable(entry):
        return 1
    silent = replace(entry, shared=replace(entry.shared, problems=Problems(""), entry_counts=[]))
    return sum(1 for _ in sources(silent))


def _max_sources(entry: ClipEntryContext) -> int:
    """The lines of its tables, or the files that fit its pattern; 1 without either, or if they cannot be read."""
    rows = entry.clip.rows
    try:
        if isinstance(rows, InlineRows):
            return len(rows.rows)
        if rows and is_rereadable(entry):
            return sum(count_rows(path) for path in table_files(entry, rows).values())
        if entry.clip.images:
            pattern = entry.shared.templates.render(entry.clip.images, entry.shared.settings.vars)
            return len(matching(pattern, entry.folder_of("images")))
    except (OSError, ValueError):
        pass
    return 1
