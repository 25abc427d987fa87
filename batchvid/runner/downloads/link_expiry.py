"""When the link of a finished clip expires. Pure: no clock, no queue, no socket."""

from __future__ import annotations

from datetime import datetime, timedelta

from batchvid.domain.jobs import Job

ASSUMED_LIFETIME_S = 3600.0  # for the order of downloads, if unknown: the shortest that users saw
WARN_BEFORE_S = 900.0  # time enough for a person to act
WARN_SHARE = 0.25  # of the time that is left, for short lifetimes


def link_expires_at(job: Job, lifetime_s: float | None) -> datetime | None:
    """When the clip becomes unavailable, by the vendor's reply, else by the catalogue; None if neither knows."""
    if job.expires_at is not None or lifetime_s is None or job.finished_at is None:
        return job.expires_at
    return job.finished_at + timedelta(seconds=lifetime_s)


def priority(job: Job, lifetime_s: float | None, now: datetime) -> datetime:
    """The sort key of downloads: expiry, or an assumed one, so that a link of unknown lifetime does not wait."""
    return link_expires_at(job, lifetime_s) or (job.finished_at or now) + timedelta(seconds=ASSUMED_LIFETIME_S)


def warn_at(expires_at: datetime, now: datetime) -> datetime:
    """When to warn that the clip is not yet downloaded."""
    return expires_at - min(timedelta(seconds=WARN_BEFORE_S), (expires_at - now) * WARN_SHARE)
