"""What earlier runs committed, and a run's warnings about its caps.

Reads the event log only for jobs whose row is not enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from batchvid.clock import utc_now
from batchvid.domain.jobs import Job
from batchvid.runner.budget.budget import Charge
from batchvid.runner.context import RunContext
from batchvid.state.readers import read_attempts


def earlier_charges(state_path: Path, jobs: Iterable[Job]) -> Iterator[Charge]:
    """The charges of earlier runs, by attempt.

    The row of a job that was sent once, and not planned again since, is enough. The event log has the others.
    """
    job_ids = []
    for job in jobs:
        if not job.committed_attempts or job.submitted_at is None or job.planned_at is None:
            continue  # also a rehearsal
        if job.attempts == 1 and job.planned_at < job.submitted_at and not job.is_rehearsal:
            yield Charge.from_job(job)
        else:
            job_ids.append(job.id)
    for attempt in read_attempts(state_path, job_ids) if job_ids else ():
        if attempt.counts:
            yield Charge.from_attempt(attempt)


def warn_about_caps(context: RunContext, pending: Iterable[Job]) -> None:
    """Report before any purchase which caps these jobs will exceed."""
    now, charges = utc_now(), []
    for job in pending:
        route = context.route(job.spec)
        charges.append(Charge.for_spec(job.spec, route.price, route.duration_s, now))
    for line in context.budget.forecast(charges):
        context.notice(line)
