"""When a task is asked again, as the polling cases see it: a function of its age, and a word when one ended.

This is the seam: whoever builds another policy puts it into POLICIES.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count

from batchvid.domain.poll_interval import PollInterval
from batchvid.runner.estimation.duration_model import DurationModel
from batchvid.runner.estimation.poll_schedule import IDLE_POLL_COST_S, MIN_SAMPLES, next_age_s
from benchmarks.distributions import LONGEST_GAP_S, SUBMIT_SPACING_S, Known


def _ignore(_from_s: float, _to_s: float) -> None:
    """Learns nothing."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`wait_s` is told a task's age and how often it was asked, and says how long to wait with the next poll.

    `survived` is told of each look that found a task running, `ended` of each that found it finished: at which age it
    was last seen running (0 for never), and its age now. `expected_duration_s` is how long tasks take, as far as it
    knows.
    """

    wait_s: Callable[[float, int], float]
    survived: Callable[[float, float], None] = _ignore
    ended: Callable[[float, float], None] = _ignore
    expected_duration_s: Callable[[], float | None] = lambda: None


def fixed(every_s: float) -> Policy:
    """The same pause always."""
    return Policy(lambda _age_s, _asked: every_s)


def backoff(first_s: float, factor: float, longest_s: float) -> Policy:
    """Ever longer pauses."""
    return Policy(lambda _age_s, asked: min(longest_s, first_s * factor**asked))


def of_batchvid(every_s: float, refresh_s: float, cost_s: float = IDLE_POLL_COST_S) -> Policy:
    """What the runner does, from a model that nobody knows yet on: fixed at first, then by the law that it learns."""
    duration_model, pace, looks = DurationModel(), PollInterval(every_s, refresh_s), count()

    def wait_s(age_s: float, _asked: int) -> float:
        return next_age_s(duration_model, pace, age_s, cost_s, f"job {next(looks)}") - age_s

    def expected_duration_s() -> float | None:
        return duration_model.median_s if duration_model.seen >= MIN_SAMPLES else None

    return Policy(wait_s, duration_model.survived, duration_model.ended, expected_duration_s)


def planned(plan: Iterable[int]) -> Policy:
    """Fixed ages, in steps of the grid: what the dynamic programme says."""
    ages_s = [step * SUBMIT_SPACING_S for step in plan]

    def wait_s(age_s: float, asked: int) -> float:
        return max(SUBMIT_SPACING_S, ages_s[asked] - age_s) if asked < len(ages_s) else LONGEST_GAP_S

    return Policy(wait_s)


def sqrt_hazard(duration_model: Known, cost_s: float) -> Policy:
    """Density of polls = sqrt(hazard / 2 price), the law being known (Barlow and Keller's inspection rule)."""
    amount = [0.0]
    for step in range(duration_model.steps):
        alive = 1 - duration_model.below[step]
        rate = (
            (duration_model.below[step + 1] - duration_model.below[step]) / alive / SUBMIT_SPACING_S
            if alive > 0
            else 0.0
        )
        amount.append(amount[-1] + SUBMIT_SPACING_S * math.sqrt(rate / (2 * cost_s)))

    def wait_s(age_s: float, _asked: int) -> float:
        start = min(duration_model.steps, int(age_s / SUBMIT_SPACING_S))
        stop = start + 1
        most = min(duration_model.steps, start + round(LONGEST_GAP_S / SUBMIT_SPACING_S))
        while stop < most and amount[stop] - amount[start] < 1:
            stop += 1
        return (stop - start) * SUBMIT_SPACING_S

    return Policy(wait_s)


POLICIES: dict[str, Callable[[], Policy]] = {
    "batchvid": lambda: of_batchvid(10.0, 1.0),
    "fixed 5 s": lambda: fixed(5.0),
    "fixed 10 s": lambda: fixed(10.0),
    "backoff x2 from 2 s to 60 s": lambda: backoff(2.0, 2.0, 60.0),
    "backoff x1.5 from 2 s to 30 s": lambda: backoff(2.0, 1.5, 30.0),
}
"""A fresh policy a law, by the name in the table: each learns from nothing but the tasks of that law."""
