"""Warns of jobs that buy the same clip under two ids. The takes of one clip are meant to be equal."""

from __future__ import annotations

from collections.abc import Sequence

from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.reading.tables import label
from batchvid.manifest.types import PlacedJob

MAX_SHOWN = 3  # groups of an entry, and ids of a group


def report_equal_clips(jobs: Sequence[PlacedJob], problems: Problems) -> None:
    """Add one warning for each entry with jobs whose requests are equal, also to those of another entry."""
    groups: dict[tuple[str, str], list[PlacedJob]] = {}
    for job in jobs:
        if job.spec.take == 1:
            groups.setdefault((job.spec.provider, job.spec.fingerprint), []).append(job)
    entries: dict[Place, list[list[PlacedJob]]] = {}
    for group in groups.values():
        if len(group) > 1:
            entries.setdefault(group[1].place, []).append(group)
    for place, equal in entries.items():
        shown = "; ".join(_names(group) for group in equal[:MAX_SHOWN])
        more = f"; and {len(equal) - MAX_SHOWN} more groups" if len(equal) > MAX_SHOWN else ""
        problems.warn(
            place,
            f"the same request stands under several ids, and each is bought: {shown}{more}; delete what is not "
            f"wanted twice, {_unused_axis(equal[0])}or give each its own prompt or seed (takes: 2 makes two clips of "
            "one prompt)",
        )


def _unused_axis(group: Sequence[PlacedJob]) -> str:
    """The remedy when two cells of a matrix make the same clip: no text uses the axis in which they differ."""
    first, second = (job.spec.variables for job in group[:2])
    axes = [name for name in first if second.get(name, first[name]) != first[name]]
    if len(axes) != 1 or any(job.row for job in group[:2]) or group[0].place != group[1].place:
        return ""
    return f"use {{{{ {axes[0]} }}}} in the prompt, "


def _names(group: Sequence[PlacedJob]) -> str:
    shown = [_name(job) for job in group[:MAX_SHOWN]]
    more = len(group) - len(shown)
    return f"{', '.join(shown)} and {more} more" if more else " = ".join(shown)


def _name(job: PlacedJob) -> str:
    return f"{job.spec.id} in {label(job.row.file, job.row)}" if job.row else job.spec.id
