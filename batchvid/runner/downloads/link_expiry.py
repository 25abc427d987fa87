"""Until when a finished clip can be fetched, as far as anybody says. Pure: no clock, no queue, no link."""

from __future__ import annotations

from datetime import datetime, timedelta

from batchvid.domain.jobs import Job

UNSAID_S = 3600.0  # for the order of downloads, where nobody says: the shortest that users saw (wire-notes 6.4)
ALARM_S = 900.0  # before the end: time enough for a person to do something about it
ALARM_SHARE = 0.25  # of what is left of a short life


def link_expires_at(job: Job, lifetime_s: float | None) -> datetime | None:
    """When the clip can no longer be fetched: the vendor's own word, else the catalogue's; None where neither says."""
    if job.expires_at is not None or lifetime_s is None or job.finished_at is None:
        return job.expires_at
    return job.finished_at + timedelta(seconds=lifetime_s)


def urgency(job: Job, lifetime_s: float | None, now: datetime) -> datetime:
    """What downloads are sorted by: a link of which nobody says how long it lives is not the one that can wait."""
    return link_expires_at(job, lifetime_s) or (job.finished_at or now) + timedelta(seconds=UNSAID_S)


def warn_at(dies: datetime, now: datetime) -> datetime:
    """From when on a clip that is not here yet is worth a word to whoever is looking."""
    return dies - min(timedelta(seconds=ALARM_S), (dies - now) * ALARM_SHARE)
