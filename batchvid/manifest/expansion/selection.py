"""Selects jobs by id patterns, tags and numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.types import PlacedJob
from batchvid.selection import is_tag_pattern, matches

SHOWN_IDS = 5  # ids named when --only selects nothing


def select_jobs(jobs: Sequence[PlacedJob], only: Sequence[str], problems: Problems) -> list[PlacedJob]:
    """The jobs that fit one of the patterns. A pattern that matches nothing is a problem."""
    wanted = [False] * len(jobs)
    for pattern in only:
        hits = [matches(pattern, job.spec.id, job.spec.tags) for job in jobs]
        if not any(hits):
            problems.add(Place(f"--only {pattern}", 0, ""), nothing_selected(jobs, is_tag=is_tag_pattern(pattern)))
        wanted = [before or hit for before, hit in zip(wanted, hits, strict=True)]
    return [job for job, is_wanted in zip(jobs, wanted, strict=True) if is_wanted]


def first_jobs(jobs: Sequence[PlacedJob], sample: int | None, limit: int | None) -> list[PlacedJob]:
    """The first `sample` jobs of each clip entry, and of those the first `limit`; None is no bound."""
    taken: Counter[Place] = Counter()
    sampled = []
    for job in jobs:
        taken[job.place] += 1
        if sample is None or taken[job.place] <= sample:
            sampled.append(job)
    return sampled if limit is None else sampled[:limit]


def nothing_selected(jobs: Sequence[PlacedJob], *, is_tag: bool) -> str:
    """The message for a pattern that matches nothing."""
    names = sorted({tag for job in jobs for tag in job.spec.tags}) if is_tag else [job.spec.id for job in jobs]
    shown = ", ".join(names[:SHOWN_IDS]) or "none"
    more = f" and {len(names) - SHOWN_IDS} more" if len(names) > SHOWN_IDS else ""
    return f"picks nothing; the {'tags' if is_tag else 'ids'} are: {shown}{more}"
