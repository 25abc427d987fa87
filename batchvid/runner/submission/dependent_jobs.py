"""Jobs that work on another job's clip: they wait, without a queue or slot, until that clip is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from batchvid.domain.jobs import Job
from batchvid.planning.dependencies import waits_for

NEXT_RUN = "was held when this run began, and is bought by the next one"
MAX_SHOWN_CHILDREN = 5  # named when a run ends without them


class WaitingChildren:
    """Jobs that wait for their parents, by parent."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Job]] = {}
        self._held: list[Job] = []

    def add(self, job: Job) -> None:
        """The job waits for its parent."""
        self._waiting.setdefault(job.spec.parent, []).append(job)

    def hold(self, job: Job) -> None:
        """The job is not bought by this run, even if its parent gets its clip."""
        self._held.append(job)

    def release(self, parent_id: str) -> list[Job]:
        """Remove and return the jobs that waited for this parent, in order."""
        return self._waiting.pop(parent_id, [])

    def describe(self, jobs: Mapping[str, Job]) -> Iterator[str]:
        """Yield which jobs still wait, and why; of many only the first few."""
        waiting = [*self._held, *(job for children in self._waiting.values() for job in children)]
        for job in waiting[:MAX_SHOWN_CHILDREN]:
            yield f"{job.id} {waits_for(job.spec, jobs.get(job.spec.parent)) or NEXT_RUN}"
        if len(waiting) > MAX_SHOWN_CHILDREN:
            yield f"{len(waiting) - MAX_SHOWN_CHILDREN:,} more wait for clips that do not exist"
