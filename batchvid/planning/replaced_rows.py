"""Says which removed job a new one replaces: a value of its row was changed, and the id follows that value. Pure.

No purchase changes. The words show that a corrected cell makes a new clip, and what becomes of the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job
from batchvid.manifest import Manifest
from batchvid.planning.changes import describe_changes

_Key = tuple[str, frozenset[tuple[str, str]], int]


def find_replaced(manifest: Manifest, jobs: Mapping[str, Job], waiting: Mapping[str, Job]) -> dict[str, str]:
    """What each new job replaces, in words, by its id. `waiting` are the old jobs that new ones wait for."""
    removed = [job for job in jobs.values() if job.id not in manifest.all_ids and job.attempts]
    if not removed or not manifest.is_complete:
        return {}
    waited_for = {job.id for job in waiting.values()}
    new = [placed.spec for placed in manifest.jobs if placed.spec.id not in jobs and placed.spec.id not in waiting]
    return describe_replaced(new, [job for job in removed if job.id not in waited_for])


def describe_replaced(new: Iterable[JobSpec], removed: Iterable[Job]) -> dict[str, str]:
    """What each new job replaces, by its id: `replaces kite-red: prompt: "a red mug" -> "a blue mug"; its clip stays`.

    Two jobs belong together if one variable differs and no other job of either side fits. Jobs without variables are
    left out: only their ids could relate them.
    """
    specs: dict[_Key, list[JobSpec]] = {}
    for spec in new:
        for key in _keys(spec):
            specs.setdefault(key, []).append(spec)
    jobs: dict[_Key, list[Job]] = {}
    for job in removed if specs else ():
        for key in _keys(job.spec):
            jobs.setdefault(key, []).append(job)
    found: dict[str, str] = {}
    used: set[str] = set()
    for key, fitting in jobs.items():
        others = specs.get(key, [])
        if len(fitting) != 1 or len(others) != 1:
            continue
        job, spec = fitting[0], others[0]
        if spec.id not in found and job.id not in used:
            used.add(job.id)
            stays = "its clip stays" if job.clip is not None else f"it is {job.state}"
            found[spec.id] = f"replaces {job.id}: {describe_changes(job.spec, spec)}; {stays}"
    return found


def _keys(spec: JobSpec) -> Iterable[_Key]:
    """One key for each variable: its name, the values of all others, and the take."""
    variables: Mapping[str, str] = spec.variables
    for name in variables:
        others = frozenset((other, value) for other, value in variables.items() if other != name)
        yield name, others, spec.take
