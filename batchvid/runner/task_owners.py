"""Which job owns which task. A vendor that gives one task to two jobs sold only one of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from batchvid.domain.attempts import Attempt
from batchvid.domain.jobs import Job


class TaskOwners:
    """The owner of every task, by origin and task id; each task has one. `earlier` are attempts of earlier runs."""

    def __init__(self, jobs: Iterable[Job] = (), earlier: Iterable[Attempt] = ()) -> None:
        self._owners: dict[str, dict[str, str]] = {}
        for job in jobs:
            if job.task_id:
                self.claim(job.origin, job.task_id, job.id)
        for attempt in earlier:
            if attempt.task_id:
                self.claim(attempt.origin, attempt.task_id, attempt.job)

    def claim(self, origin: str, task_id: str, job_id: str) -> str:
        """Make the job the task's owner; return the id of the job that owns it already, empty if none does."""
        owners = self._owners.setdefault(origin, {})
        if (owner := owners.get(task_id, "")) == "":
            owners[task_id] = job_id
        return owner

    def owner(self, origin: str, task_id: str) -> str:
        """The id of the job that owns the task; empty if none does."""
        return self._owners.get(origin, {}).get(task_id, "")


def reopened_ids(jobs: Iterable[Job]) -> list[str]:
    """The jobs with a task that their row no longer names: only the event log has its id."""
    return [job.id for job in jobs if job.tasks > bool(job.task_id)]
