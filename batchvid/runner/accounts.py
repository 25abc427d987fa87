"""What earlier runs committed, read with as little of the event log as will do. Knows no cap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from batchvid.jobs import Job
from batchvid.runner.budget import Charge
from batchvid.state import read_attempts


def earlier_charges(state_path: Path, jobs: Iterable[Job]) -> Iterator[Charge]:
    """What earlier runs committed, by attempt.

    A job that was sent once, and not planned anew since, tells it by itself; of others the event log is asked.
    """
    asked = []
    for job in jobs:
        if not job.committed_attempts or job.submitted_at is None or job.planned_at is None:
            continue
        if job.attempts == 1 and job.planned_at < job.submitted_at:
            yield Charge.of_open(job)
        else:
            asked.append(job.id)
    for row in read_attempts(state_path, asked):
        if row.counts:
            yield Charge.of_row(row)
