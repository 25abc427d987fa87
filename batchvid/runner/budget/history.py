"""Keeps the budget guard true during a run: fills it from what earlier runs did, and tells it of every event.

Reads as little of the event log as will do. Knows no cap.
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
    for row in read_attempts(state_path, asked) if asked else ():
        if row.counts:
            yield Charge.of_row(row)


def warn_about_caps(context: RunContext, pending: Iterable[Job]) -> None:
    """Say, before anything is bought, which caps these jobs will run into."""
    now, charges = utc_now(), []
    for job in pending:
        route = context.route(job.spec)
        charges.append(Charge.for_spec(job.spec, route.price, route.duration_s, now))
    for line in context.budget.forecast(charges):
        context.notice(line)
