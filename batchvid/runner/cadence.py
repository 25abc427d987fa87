"""When a task is asked again. Pure: one fixed schedule, slower for a task that takes unusually long."""

from __future__ import annotations

import zlib

LONG_S = 600.0  # clips take 2-5 minutes (wire-cometapi 6.2); past ten, asking often brings nothing
SPREAD = 0.1


def first_poll_s(every_s: float, job_id: str) -> float:
    """Seconds from the task's birth to the first poll: one interval, spread so that polls do not bunch."""
    return every_s * _spread(job_id)


def next_poll_s(every_s: float, age_s: float, job_id: str) -> float:
    """Seconds until the next poll of a task of that age."""
    slower = 1.0 if age_s < LONG_S else 3.0
    return every_s * slower * _spread(job_id)


def _spread(job_id: str) -> float:
    return 1 - SPREAD + 2 * SPREAD * (zlib.crc32(job_id.encode()) % 1000) / 1000
