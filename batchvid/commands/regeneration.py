"""`run --regenerate`: which stored clips are bought again, and what a killed run has bought already.

The state file keeps which jobs a regeneration began with, and how many paid calls each had then, until a run ends with
all of them finished. A repeated command resumes it: a job with more paid calls has its new clip, or will get it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState
from batchvid.errors import StateError, UsageError
from batchvid.manifest import Manifest
from batchvid.planning.plan import RebuyFilter
from batchvid.planning.plan_types import PlanAction
from batchvid.selection import matches_name
from batchvid.state.readers import read_meta
from batchvid.state.state_file import StateFile

UNFINISHED = "regeneration"  # the name in the state file: paid calls before it, by job
FINISHED = frozenset({JobState.SUCCEEDED, JobState.FAILED})


def load_unfinished(state_path: Path) -> dict[str, int]:
    """The jobs of a regeneration that has not ended, with their paid calls before it."""
    saved = read_meta(state_path).get(UNFINISHED, {})
    return {str(job_id): int(attempts) for job_id, attempts in saved.items()}


def regenerate_filter(
    regenerate: Sequence[str], manifest: Manifest, jobs: Mapping[str, Job], unfinished: Mapping[str, int]
) -> RebuyFilter:
    """The filter of the jobs to buy again: `changed`, or patterns of ids. Raises UsageError for one that fits none.

    A job that the unfinished regeneration has bought already is not bought again.
    """
    patterns = {pattern.casefold() for pattern in regenerate}
    changed = "changed" in patterns
    patterns.discard("changed")
    for pattern in patterns:
        if not any(matches_name(pattern, placed.spec.id) for placed in manifest.jobs):
            raise UsageError(f"--regenerate {pattern}: no job has such an id")

    def rebuy(spec: JobSpec, action: PlanAction) -> bool:
        if spec.id in unfinished and jobs[spec.id].attempts > unfinished[spec.id]:
            return False
        if action is PlanAction.CHANGED and changed:
            return True
        named = any(matches_name(pattern, spec.id) for pattern in patterns)
        return named and action in (PlanAction.CHANGED, PlanAction.STORED)

    return rebuy


def save_started(
    state: StateFile, jobs: Mapping[str, Job], specs: Iterable[JobSpec], unfinished: Mapping[str, int]
) -> None:
    """Store, before any of these jobs is reopened, that their stored clips are bought again."""
    started = {
        spec.id: jobs[spec.id].attempts
        for spec in specs
        if spec.id in jobs and jobs[spec.id].state is JobState.SUCCEEDED
    }
    if started.keys() - unfinished.keys():
        state.set_meta(**{UNFINISHED: started | dict(unfinished)})


def clear_finished(state: StateFile) -> None:
    """After a run: forget the regeneration if every job of it is finished. A full disk does not fail the run."""
    with contextlib.suppress(StateError):
        if not (unfinished := load_unfinished(state.path)):
            return
        jobs = state.jobs()
        if all(name not in jobs or _is_regenerated(jobs[name], attempts) for name, attempts in unfinished.items()):
            state.set_meta(**{UNFINISHED: {}})


def _is_regenerated(job: Job, attempts: int) -> bool:
    return job.state in FINISHED and (job.attempts > attempts or job.state is JobState.FAILED)
