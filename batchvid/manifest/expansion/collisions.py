"""Reports jobs that share an id or a file."""

from __future__ import annotations

import os
from collections.abc import Sequence

from batchvid.manifest.reading.problems import Problems
from batchvid.manifest.types import PlacedJob


def report_collisions(jobs: Sequence[PlacedJob], problems: Problems) -> None:
    """Add a problem for jobs with the same id or file, also on systems where `A` and `a` are the same name."""
    ids: dict[str, PlacedJob] = {}
    keys: dict[str, PlacedJob] = {}
    folders: dict[str, PlacedJob] = {}
    for job in jobs:
        same = ids.setdefault(job.spec.id.casefold(), job)
        if same is not job:
            problems.add(
                job.place, f"makes the id {job.spec.id} again, which {_describe(same)} already makes{_hint(same, job)}"
            )
            continue
        key = job.spec.key.casefold()
        same = keys.setdefault(key, job)
        if same is not job:
            problems.add(
                job.place, f"writes to {job.spec.key} as {_describe(same)} does; put {{{{ id }}}} into output.clips"
            )
        folders.setdefault(key.rpartition("/")[0], job)
    for folder, job in folders.items():
        while folder:
            if folder in keys:
                problems.add(job.place, f"needs a folder where {_describe(keys[folder])} writes the file {folder}")
            folder = folder.rpartition("/")[0]


def _describe(job: PlacedJob) -> str:
    return f"{job.place.entry} at {job.place.file}:{job.place.line}"


def _hint(first: PlacedJob, second: PlacedJob) -> str:
    if first.place != second.place:
        return ""
    if hint := _picture_hint(first, second):
        return hint
    differences = [
        f"{name} {first.spec.variables[name]!r} and {value!r}"
        for name, value in second.spec.variables.items()
        if first.spec.variables.get(name, value) != value
    ]
    return f" (from {', '.join(differences[:3])})" if differences else " (from two identical rows)"


def _picture_hint(first: PlacedJob, second: PlacedJob) -> str:
    """For two pictures of `images`: their files, and the variable that tells them apart."""
    names = [job.spec.variables.get("image_name", "") for job in (first, second)]
    files = [_first_frame(job) for job in (first, second)]
    if not all(names) or not all(files) or files[0] == files[1]:
        return ""
    variable = "image_name" if names[0] != names[1] else "image_folder"
    above = os.path.commonpath([os.path.dirname(file) for file in files])  # noqa: PTH120
    shown = " and ".join(os.path.relpath(file, above) for file in files)
    return f" (from {shown}): put {{{{ {variable} }}}} into the id"


def _first_frame(job: PlacedJob) -> str:
    return next((image.source for image in job.spec.request.images if image.role == "first"), "")
