"""When a provider takes submits again that requested a wait longer than a run lasts, such as a daily quota. Pure.

The time is durable as `retry_at` of the job that was refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from batchvid.domain.jobs import Job, JobState
from batchvid.runner.providers.retry_policy import MAX_RETRY_AFTER_S, RETRYABLE_REFUSALS

MAX_WAIT = timedelta(days=31)  # the longest quota period known; a longer wait is a mistake of the vendor


def is_too_long(wait_s: float | None) -> bool:
    """Whether a run stops rather than waits so long."""
    return wait_s is not None and wait_s > MAX_RETRY_AFTER_S


def requested_wait_s(job: Job) -> float | None:
    """The wait after the last refusal of a job, in seconds; None if there is none."""
    if job.retry_at is None or job.submitted_at is None:
        return None
    return (job.retry_at - job.submitted_at).total_seconds()


def resume_times(jobs: Iterable[Job], now: datetime) -> dict[str, datetime]:
    """The providers that take no submits yet, by the refusals of earlier runs, with the time when they do."""
    times: dict[str, datetime] = {}
    for job in jobs:
        at = job.retry_at
        if job.state is not JobState.PENDING or at is None or at <= now or job.kind not in RETRYABLE_REFUSALS:
            continue
        if is_too_long(requested_wait_s(job)) and at - now <= MAX_WAIT:
            times[job.spec.provider] = max(at, times.get(job.spec.provider, at))
    return times


def describe_time(at: datetime) -> str:
    """The time to the minute, rounded up, in UTC."""
    rounded = at + timedelta(seconds=59, microseconds=999_999)
    return f"{rounded.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
