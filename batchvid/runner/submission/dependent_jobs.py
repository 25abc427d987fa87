"""Jobs that work on another job's clip: they wait, in no queue and without a slot, until that clip is stored.

What a clip is called at its provider is asked here, too, right before a child is bought: links are never kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from batchvid.domain.jobs import Job
from batchvid.planning.dependencies import waits_for

SHOWN = 5  # children named when a run ends without them


class WaitingChildren:
    """Jobs that wait for their parents, by parent."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Job]] = {}

    def keep(self, job: Job) -> None:
        """Let the job wait for its parent."""
        self._waiting.setdefault(job.spec.parent, []).append(job)

    def release(self, parent_id: str) -> list[Job]:
        """The jobs that waited for this one, in order; they wait no more."""
        return self._waiting.pop(parent_id, [])

    def told(self, jobs: Mapping[str, Job]) -> Iterator[str]:
        """For people: who still waits, and why; of many only the first few."""
        waiting = [job for children in self._waiting.values() for job in children]
        for job in waiting[:SHOWN]:
            yield f"{job.id} {waits_for(job.spec, jobs.get(job.spec.parent))}"
        if len(waiting) > SHOWN:
            yield f"{len(waiting) - SHOWN:,} more wait for clips that are not there"
