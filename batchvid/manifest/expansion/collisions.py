"""Reports jobs that share an id or a file."""

from __future__ import annotations

from collections.abc import Sequence

from batchvid.manifest.reading.problems import Problems
from batchvid.manifest.types import PlacedJob


def report_collisions(jobs: Sequence[PlacedJob], problems: Problems) -> None:
    """Two jobs must never share an id or a file, on systems that take `A` and `a` for one name as well."""
    ids: dict[str, PlacedJob] = {}
    keys: dict[str, PlacedJob] = {}
    folders: dict[str, PlacedJob] = {}
    for job in jobs:
        same = ids.setdefault(job.spec.id.casefold(), job)
        if same is not job:
            problems.add(
                job.place, f"makes the id {job.spec.id} again, which {_whose(same)} makes already{_hint(same, job)}"
            )
            continue
        key = job.spec.key.casefold()
        same = keys.setdefault(key, job)
        if same is not job:
            problems.add(
                job.place, f"writes to {job.spec.key} as {_whose(same)} does; put {{{{ id }}}} into output.clips"
            )
        folders.setdefault(key.rpartition("/")[0], job)
    for folder, job in folders.items():
        while folder:
            if folder in keys:
                problems.add(job.place, f"needs a folder where {_whose(keys[folder])} writes the file {folder}")
            folder = folder.rpartition("/")[0]


def _whose(job: PlacedJob) -> str:
    return f"{job.place.entry} at {job.place.file}:{job.place.line}"


def _hint(first: PlacedJob, second: PlacedJob) -> str:
    if first.place != second.place:
        return ""
    said = [
        f"{name} {first.spec.variables[name]!r} and {value!r}"
        for name, value in second.spec.variables.items()
        if first.spec.variables.get(name, value) != value
    ]
    return f" (out of {', '.join(said[:3])})" if said else " (from two rows that are alike)"
