"""When a task is polled again, and the cost of a poll. Pure; docs/explanation/polling.md explains the rule."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence

from batchvid.domain.poll_interval import PollInterval
from batchvid.runner.estimation.duration_model import DurationModel

MIN_SAMPLES = 8  # observed ends before the duration model is used instead of the fixed schedule
MAX_INTERVAL_S = 60.0  # between two polls of a task
LONG_TASK_S = 600.0  # the fixed schedule is slower from then on: clips take 2-5 minutes (wire-notes 6.2)
LONG_TASK_FACTOR = 3.0
JITTER = 0.1
BUSY_POLL_COST_S = 0.1  # seconds of lag that one poll costs while jobs wait for slots: lag delays them
IDLE_POLL_COST_S = 0.35  # the same while no job waits: lag only delays a file
CALLBACK_FACTOR = 20.0  # an interval is so much longer while the provider's callbacks arrive
CATCH_UP_RATIO = 1.5  # polls go out so much faster than needed in the long run, so that a backlog shrinks


def next_age_s(duration_model: DurationModel, pace: PollInterval, age_s: float, cost_s: float, job_id: str) -> float:
    """The age in seconds at which to poll a task again that was running at `age_s`.

    A poll must save `cost_s` seconds of lag. `job_id` spreads tasks that were submitted together.
    """
    if duration_model.seen < MIN_SAMPLES:
        slower = 1.0 if age_s < LONG_TASK_S else LONG_TASK_FACTOR
        return age_s + pace.every_s * slower * _jitter(job_id)
    due_s = duration_model.age_at(duration_model.cumulative_weight(age_s) + math.sqrt(2 * cost_s) * _jitter(job_id))
    max_s = MAX_INTERVAL_S if age_s else math.inf  # the first poll may be late: no task ends much too early
    return age_s + min(max(due_s - age_s, pace.refresh_s), max_s)


def next_age_with_callbacks_s(age_s: float, due_age_s: float, max_wait_s: float) -> float:
    """The same for a task whose vendor is expected to call when it ends: at most `max_wait_s` after `due_age_s`."""
    return min(age_s + (due_age_s - age_s) * CALLBACK_FACTOR, due_age_s + max_wait_s)


def cost_within_rate(demands: Iterable[float], polls_per_s: float) -> float:
    """The cost of a poll at which tasks with these demands (`poll_demand`) need so many polls per second."""
    return (sum(demands) / polls_per_s) ** 2 / 2


def poll_spacing_s(demands: Sequence[float], cost_s: float) -> float:
    """Seconds between two polls when the tasks with these demands come due together.

    Otherwise a thousand tasks that were submitted together would be polled together every time, and a slot that one of
    them frees would wait behind the polls of all others. One late poll spreads them.
    """
    polls_per_s = CATCH_UP_RATIO * sum(demands) / math.sqrt(2 * cost_s)
    return 1 / polls_per_s if polls_per_s else math.inf


def poll_demand(duration_model: DurationModel, pace: PollInterval, age_s: float) -> float:
    """The demand of a task at this age: its polls per second are the demand / sqrt(2 * cost)."""
    if duration_model.seen < MIN_SAMPLES:
        return math.sqrt(2 * BUSY_POLL_COST_S) / pace.every_s
    return min(duration_model.sqrt_hazard(age_s), math.sqrt(2 * BUSY_POLL_COST_S) / pace.refresh_s)


def _jitter(job_id: str) -> float:
    return 1 - JITTER + 2 * JITTER * (zlib.crc32(job_id.encode()) % 1000) / 1000
