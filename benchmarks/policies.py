"""When a task is polled again: a function of its age, and callbacks for each poll. Add another policy to POLICIES."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count

from batchvid.domain.poll_interval import PollInterval
from batchvid.runner.estimation.duration_model import DurationModel
from batchvid.runner.estimation.poll_schedule import IDLE_POLL_COST_S, MIN_SAMPLES, next_age_s
from benchmarks.distributions import GRID_STEP_S, MAX_INTERVAL_S, KnownDistribution


def _ignore(_from_s: float, _to_s: float) -> None:
    """Learns nothing."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`wait_s` maps a task's age and its number of polls to the wait before the next poll.

    `survived` is called after each poll that found a task running, `ended` after each that found it finished, with the
    age at which it was last seen running (0 for never) and its age now. `expected_duration_s` is None if not known.
    """

    wait_s: Callable[[float, int], float]
    survived: Callable[[float, float], None] = _ignore
    ended: Callable[[float, float], None] = _ignore
    expected_duration_s: Callable[[], float | None] = lambda: None


def fixed(every_s: float) -> Policy:
    """Always the same pause."""
    return Policy(lambda _age_s, _asked: every_s)


def backoff(wait_initial_s: float, factor: float, wait_max_s: float) -> Policy:
    """Growing pauses."""
    return Policy(lambda _age_s, polls: min(wait_max_s, wait_initial_s * factor**polls))


def of_batchvid(every_s: float, refresh_s: float, cost_s: float = IDLE_POLL_COST_S) -> Policy:
    """The runner's rule for a new model: a fixed schedule first, then the learned duration model."""
    duration_model, pace, numbers = DurationModel(), PollInterval(every_s, refresh_s), count()

    def wait_s(age_s: float, _polls: int) -> float:
        return next_age_s(duration_model, pace, age_s, cost_s, f"job {next(numbers)}") - age_s

    def expected_duration_s() -> float | None:
        return duration_model.median_s if duration_model.seen >= MIN_SAMPLES else None

    return Policy(wait_s, duration_model.survived, duration_model.ended, expected_duration_s)


def planned(plan: Iterable[int]) -> Policy:
    """Fixed ages in steps of the grid: the result of the dynamic programme."""
    ages_s = [step * GRID_STEP_S for step in plan]

    def wait_s(age_s: float, polls: int) -> float:
        return max(GRID_STEP_S, ages_s[polls] - age_s) if polls < len(ages_s) else MAX_INTERVAL_S

    return Policy(wait_s)


def sqrt_hazard(distribution: KnownDistribution, cost_s: float) -> Policy:
    """Density of polls = sqrt(hazard / 2 cost) for a known distribution (Barlow and Keller's inspection rule)."""
    amount = [0.0]
    for step in range(distribution.steps):
        alive = 1 - distribution.below[step]
        rate = (distribution.below[step + 1] - distribution.below[step]) / alive / GRID_STEP_S if alive > 0 else 0.0
        amount.append(amount[-1] + GRID_STEP_S * math.sqrt(rate / (2 * cost_s)))

    def wait_s(age_s: float, _polls: int) -> float:
        start = min(distribution.steps, int(age_s / GRID_STEP_S))
        stop = start + 1
        last = min(distribution.steps, start + round(MAX_INTERVAL_S / GRID_STEP_S))
        while stop < last and amount[stop] - amount[start] < 1:
            stop += 1
        return (stop - start) * GRID_STEP_S

    return Policy(wait_s)


POLICIES: dict[str, Callable[[], Policy]] = {
    "batchvid": lambda: of_batchvid(10.0, 1.0),
    "fixed 5 s": lambda: fixed(5.0),
    "fixed 10 s": lambda: fixed(10.0),
    "backoff x2 from 2 s to 60 s": lambda: backoff(2.0, 2.0, 60.0),
    "backoff x1.5 from 2 s to 30 s": lambda: backoff(2.0, 1.5, 30.0),
}
"""Makes a new policy for each distribution, by the name in the table: it learns only from those tasks."""
