"""Uncertain jobs: lists them, adopts their task, or gives them up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from batchvid import report
from batchvid.commands.recovery import recover_jobs
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job, JobState
from batchvid.errors import StateError, UsageError
from batchvid.paths import BatchPaths
from batchvid.runner import utc_now
from batchvid.state.lock import find_holder
from batchvid.state.readers import read_attempts, read_jobs
from batchvid.state.state_file import StateFile, record_offline


def resolve(state_path: Path, job_id: str, *, task_id: str = "") -> Job:
    """Resolve an uncertain job: adopt the task with that id, or, without an id, release the job to be bought again.

    Raises UsageError when the job is not uncertain or the task is another job's already, StateLocked during a run.
    """
    if not state_path.exists():
        raise StateError(f"{state_path}: there is no state file here yet")
    with StateFile(state_path) as state:
        jobs = recover_jobs(state)
        job = jobs.get(job_id)
        if job is None:
            raise UsageError(f"there is no job {job_id!r} in {state_path}")
        if job.state is not JobState.UNCERTAIN:
            raise UsageError(f"job {job_id} is {job.state}, not uncertain: there is nothing to resolve")
        if not task_id:
            event: ev.Event = ev.Reopened(at=utc_now(), reason="resolve --abandon")
        elif any(c.isspace() for c in task_id):
            raise UsageError(f"{task_id!r} is not a task id: it contains spaces")
        elif owner := next((other.id for other in jobs.values() if other.task_id == task_id), None):
            raise UsageError(f"task {task_id} already belongs to job {owner}")
        else:
            event = ev.SubmitAccepted(at=utc_now(), task_id=task_id, rehearsal=job.rehearsal)
        return _record(state, jobs, [(job_id, event)])[job_id]


def uncertain(state_path: Path) -> list[Job]:
    """The jobs that need a decision, including those that an interrupted run left in the middle of a paid call."""
    waiting = {JobState.UNCERTAIN} if find_holder(state_path) else {JobState.UNCERTAIN, JobState.SUBMITTING}
    return [job for job in read_jobs(state_path) if job.state in waiting]


def abandon(state_path: Path, job_ids: Collection[str]) -> None:
    """Release uncertain jobs to be bought again, all of them or none.

    Raises UsageError when one of them is not uncertain any more, StateLocked during a run.
    """
    with StateFile(state_path) as state:
        jobs = recover_jobs(state)
        for job_id in job_ids:
            if (found := jobs.get(job_id)) is None or found.state is not JobState.UNCERTAIN:
                raise UsageError(f"job {job_id} is not uncertain any more: nothing was abandoned, look again")
        reopened = [(job_id, ev.Reopened(at=utc_now(), reason="resolve --abandon")) for job_id in job_ids]
        _record(state, jobs, reopened)


def _record(state: StateFile, jobs: Mapping[str, Job], events: Sequence[tuple[str, ev.Event]]) -> dict[str, Job]:
    """The jobs after these events; the reports are written too."""
    after = record_offline(state, jobs, events)
    paths = BatchPaths(state.path.parent)
    report.write_report(paths.report, after.values())
    report.write_ledger(paths.ledger, read_attempts(state.path))
    return after
