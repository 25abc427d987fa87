"""Whose the tasks of an account may be: other jobs of the run, and other batches of the same output folder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from batchvid.domain.jobs import Job
from batchvid.domain.wire import Candidate
from batchvid.errors import StateError
from batchvid.paths import BatchPaths
from batchvid.runner.context import RunContext
from batchvid.runner.submission.task_matching import MAX_CLOCK_SKEW_S, MAX_CREATION_DELAY_S
from batchvid.runner.task_owners import TaskOwners, reopened_ids
from batchvid.state.readers import read_attempts, read_jobs

AROUND = timedelta(seconds=MAX_CLOCK_SKEW_S + MAX_CREATION_DELAY_S)


@dataclass(frozen=True, slots=True)
class OtherBatch:
    """The jobs of another batch, and the owners of its tasks."""

    jobs: tuple[Job, ...]
    owners: TaskOwners


class OtherOwners:
    """Finds the tasks that no job owns. `folder` is the batch's; None where there are no others beside it."""

    def __init__(self, context: RunContext, folder: Path | None) -> None:
        self._context = context
        self._folder = folder

    async def exclude(self, job: Job, tasks: Iterable[Candidate]) -> tuple[tuple[Candidate, ...], list[Job] | None]:
        """The tasks that no job owns, and all other jobs: None if another batch cannot be read."""
        left = _unowned(job, tasks, self._context.task_owners)
        others = [other for other in self._context.recorder.jobs.values() if other.id != job.id]
        if not left or self._folder is None or job.submitted_at is None:
            return left, others
        try:
            batches = await asyncio.to_thread(read_other_batches, self._folder, job.submitted_at - AROUND)
        except StateError:
            return left, None
        for batch in batches:
            left = _unowned(job, left, batch.owners)
            others += batch.jobs
        # the run went on in the meantime
        return _unowned(job, left, self._context.task_owners), others


def _unowned(job: Job, tasks: Iterable[Candidate], owners: TaskOwners) -> tuple[Candidate, ...]:
    return tuple(task for task in tasks if not owners.owner(job.origin, task.task_id))


def read_other_batches(folder: Path, since: datetime) -> tuple[OtherBatch, ...]:
    """The batches beside this folder that changed after `since`. Raises StateError when one cannot be read."""
    found = []
    for state in sorted(folder.absolute().parent.glob(f"*/{BatchPaths(folder).state.name}")):
        if state.parent == folder.absolute() or _changed_at(state) < since.timestamp():
            continue
        jobs = read_jobs(state)
        reopened = reopened_ids(jobs)
        found.append(OtherBatch(tuple(jobs), TaskOwners(jobs, read_attempts(state, reopened) if reopened else ())))
    return tuple(found)


def _changed_at(state: Path) -> float:
    """When SQLite last wrote the file or its log."""
    return max(_modified((state, state.with_name(f"{state.name}-wal"))), default=0.0)


def _modified(files: Iterable[Path]) -> Iterator[float]:
    for file in files:
        try:
            yield file.stat().st_mtime
        except OSError:  # there is no log, or the batch was just removed
            continue
