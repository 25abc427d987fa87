"""Counts the jobs of a manifest before it is expanded: a typing error in a matrix must not fill the memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.image_files import matching
from batchvid.manifest.expansion.sources import sources
from batchvid.manifest.reading.problems import Problems

MAX_JOBS = 1_000_000
"""Of one manifest; more need --many."""
READ_BYTES = 1024 * 1024


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
    if not _is_countable(entry):
        return 1
    silent = replace(entry, shared=replace(entry.shared, problems=Problems(""), entry_counts=[]))
    return sum(1 for _ in sources(silent))


def _max_sources(entry: ClipEntryContext) -> int:
    """The lines of its table, or the files that fit its pattern; 1 without either, or if they cannot be read."""
    try:
        if entry.clip.rows and _is_countable(entry):
            return _count_lines(_file(entry, "rows", entry.clip.rows))
        if entry.clip.images:
            pattern = entry.shared.templates.render(entry.clip.images, entry.shared.settings.vars)
            return len(matching(pattern, entry.folder_of("images")))
    except (OSError, ValueError):
        pass
    return 1


def _is_countable(entry: ClipEntryContext) -> bool:
    """Whether its table can be read twice: a pipe cannot."""
    try:
        return not entry.clip.rows or _file(entry, "rows", entry.clip.rows).is_file()
    except (OSError, ValueError):
        return True


def _file(entry: ClipEntryContext, field: str, name: str) -> Path:
    return entry.folder_of(field) / entry.shared.templates.render(name, entry.shared.settings.vars)


def _count_lines(path: Path) -> int:
    lines = 1
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            lines += piece.count(b"\n") + piece.count(b"\r")
    return lines
