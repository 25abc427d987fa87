"""When a task is polled again, and the cost of a poll. Pure; docs/explanation/polling.md explains the rule."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence

from batchvid.catalog.model_policies import PollInterval
from batchvid.runner.estimation.duration_model import DurationModel

MIN_SAMPLES = 8  # ends seen before the law is trusted; until then the fixed schedule holds
LONGEST_S = 60.0  # no task goes unasked for longer, whatever was learned
LONG_S = 600.0  # of the fixed schedule: clips take 2-5 minutes (wire-notes 6.2), so asking slower after ten is cheap
SLOWER = 3.0
SPREAD = 0.1
SLOT_WAITED_FOR_S = 0.1  # the price of a question while jobs wait for slots: lag holds them up
NOBODY_WAITS_S = 0.35  # ... and while none does: lag only delays a file
CATCHES_UP = 1.5  # so much faster than the tasks need in the long run are they asked, or lag would never be caught up


def next_age_s(duration_model: DurationModel, pace: PollInterval, age_s: float, price_s: float, job_id: str) -> float:
    """The task's age, in seconds, at which to ask again one that was running at `age_s`.

    `price_s` is how many seconds of lag one more question may save at least. `job_id` spreads jobs of one birth.
    """
    if duration_model.seen < MIN_SAMPLES:
        slower = 1.0 if age_s < LONG_S else SLOWER
        return age_s + pace.every_s * slower * _spread(job_id)
    due_s = duration_model.age_of(duration_model.worth(age_s) + math.sqrt(2 * price_s) * _spread(job_id))
    latest_s = LONGEST_S if age_s else math.inf  # a first question may come late: nothing ends before its time
    return age_s + min(max(due_s - age_s, pace.refresh_s), latest_s)


def price_within(demands: Iterable[float], polls_per_s: float) -> float:
    """The price at which tasks with these demands (`poll_demand`) together keep to so many questions a second."""
    return (sum(demands) / polls_per_s) ** 2 / 2


def stride_s(demands: Sequence[float], price_s: float) -> float:
    """Seconds from one question to the next where the tasks with these demands come due together.

    A thousand tasks of one birth would else be asked together ever after, and a slot that one of them frees would wait
    for the loop behind all the others. Asked late once, they are due apart.
    """
    enough_per_s = CATCHES_UP * sum(demands) / math.sqrt(2 * price_s)
    return 1 / enough_per_s if enough_per_s else math.inf


def poll_demand(duration_model: DurationModel, pace: PollInterval, age_s: float) -> float:
    """How much a task of this age asks for: its questions a second are this over the root of twice the price."""
    if duration_model.seen < MIN_SAMPLES:
        return math.sqrt(2 * SLOT_WAITED_FOR_S) / pace.every_s
    return min(duration_model.root(age_s), math.sqrt(2 * SLOT_WAITED_FOR_S) / pace.refresh_s)


def _spread(job_id: str) -> float:
    return 1 - SPREAD + 2 * SPREAD * (zlib.crc32(job_id.encode()) % 1000) / 1000
