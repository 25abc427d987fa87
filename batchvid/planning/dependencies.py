"""Jobs that work on another job's clip: what they wait for, and whether a run brings it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from batchvid.catalog import Model
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import PAID_AND_OPEN, Job, JobState
from batchvid.domain.wire import Parent
from batchvid.errors import UsageError

ANY_PARENT = Parent(task_id="plan", vendor={"video_id": "plan"}, link="https://parent.invalid/clip.mp4")
"""Stands for a clip that is not made yet, while planning."""

_STANDS = {
    JobState.PENDING: "is not bought yet",
    JobState.SUBMITTING: "is being bought",
    JobState.RUNNING: "is running",
    JobState.READY: "is being downloaded",
    JobState.SUCCEEDED: "is stored as it was before the manifest changed: --regenerate changed buys it anew",
    JobState.FAILED: "failed",
    JobState.UNCERTAIN: "is uncertain",
}


def waits_for(spec: JobSpec, parent: Job | None) -> str:
    """Why this job cannot be bought now: empty when the clip that it is to work on is stored, or it needs none.

    A stored clip of another fingerprint is not that clip: the job would be made of what the manifest no longer says.
    """
    if not spec.parent or (parent and parent.state is JobState.SUCCEEDED and _is_meant(spec, parent)):
        return ""
    return f"waits for {spec.parent}, which {_STANDS[parent.state] if parent else 'is not bought yet'}"


def outlook(spec: JobSpec, buys: Mapping[str, JobSpec], jobs: Mapping[str, Job]) -> tuple[str, bool]:
    """What a job that is to be bought waits for, empty for nothing; and whether this run can bring it to that.

    `buys` are the jobs that the run would pay for, by id, this one among them; `jobs` is what was already done.
    """
    waits = f"waits for {spec.parent}" if spec.parent in buys else waits_for(spec, jobs.get(spec.parent))
    while spec.parent in buys:
        spec = buys[spec.parent]
    parent = jobs.get(spec.parent)
    if parent is None:
        return waits, not spec.parent
    return waits, parent.state in PAID_AND_OPEN | {JobState.SUCCEEDED} and _is_meant(spec, parent)


def promised(
    spec: JobSpec, dialect: str, asked: Mapping[str, JobSpec], jobs: Mapping[str, Job], find: Callable[[str], Model]
) -> Parent:
    """What a job's parent will be to its wire, `dialect`, as far as that is known while planning.

    `asked` are the jobs of the plan by id, `find` says how a model is bought. A parent's ids mean something in its own
    wire format only; a link is taken to be there until its task says otherwise.
    """
    job = jobs.get(spec.parent)
    made_in = job.dialect if job and _is_meant(spec, job) else ""
    parent = asked.get(spec.parent) or (job.spec if job else None)
    with suppress(UsageError):  # the parent's own mistake is told with the parent
        if parent and not made_in:
            made_in = find(parent.request.model).dialect
    return ANY_PARENT if made_in in ("", dialect) else Parent(link=ANY_PARENT.link)


def _is_meant(spec: JobSpec, parent: Job) -> bool:
    return parent.spec.fingerprint == spec.parent_fingerprint
