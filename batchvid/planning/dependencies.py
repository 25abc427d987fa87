"""Jobs with a parent: what they wait for, and whether a run can produce it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from batchvid.catalog import Model
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import PAID_AND_OPEN, Job, JobState
from batchvid.domain.wire import Parent
from batchvid.errors import UsageError

ANY_PARENT = Parent(task_id="plan", vendor_metadata={"video_id": "plan"}, link="https://parent.invalid/clip.mp4")
"""A placeholder for a clip that is not made yet, during planning."""

_STATE_LABELS = {
    JobState.PENDING: "is not bought yet",
    JobState.SUBMITTING: "is being bought",
    JobState.RUNNING: "is running",
    JobState.READY: "is being downloaded",
    JobState.SUCCEEDED: "is stored as it was before the manifest changed: --regenerate changed buys it again",
    JobState.FAILED: "failed",
    JobState.UNCERTAIN: "is uncertain",
}


def waits_for(spec: JobSpec, parent: Job | None) -> str:
    """Why this job cannot be bought now: empty when the clip of its parent is stored, or it has no parent.

    A stored clip with another fingerprint does not count: it is not the clip that the manifest now describes.
    """
    if not spec.parent or (parent and parent.state is JobState.SUCCEEDED and _is_current_parent(spec, parent)):
        return ""
    return f"waits for {spec.parent}, which {_STATE_LABELS[parent.state] if parent else 'is not bought yet'}"


def outlook(spec: JobSpec, buys: Mapping[str, JobSpec], jobs: Mapping[str, Job]) -> tuple[str, bool]:
    """What a job that would be bought waits for, empty for nothing; and whether this run can produce that clip.

    `buys` are the jobs that the run would pay for, by id, including this one; `jobs` are the jobs of earlier runs.
    """
    waits = f"waits for {spec.parent}" if spec.parent in buys else waits_for(spec, jobs.get(spec.parent))
    while spec.parent in buys:
        spec = buys[spec.parent]
    parent = jobs.get(spec.parent)
    if parent is None:
        return waits, not spec.parent
    return waits, parent.state in PAID_AND_OPEN | {JobState.SUCCEEDED} and _is_current_parent(spec, parent)


def promised(
    spec: JobSpec, dialect: str, specs: Mapping[str, JobSpec], jobs: Mapping[str, Job], find: Callable[[str], Model]
) -> Parent:
    """The parent of a job for a request in its `dialect`, as far as it is known during planning.

    `specs` are the jobs of the plan by id, `find` finds a model. The ids of a parent are valid only in its own wire
    format; a link is assumed to exist until its task is known.
    """
    job = jobs.get(spec.parent)
    made_in = job.dialect if job and _is_current_parent(spec, job) else ""
    parent = specs.get(spec.parent) or (job.spec if job else None)
    with suppress(UsageError):  # a problem of the parent is reported with the parent
        if parent and not made_in:
            made_in = find(parent.request.model).dialect
    return ANY_PARENT if made_in in ("", dialect) else Parent(link=ANY_PARENT.link)


def _is_current_parent(spec: JobSpec, parent: Job) -> bool:
    return parent.spec.fingerprint == spec.parent_fingerprint
