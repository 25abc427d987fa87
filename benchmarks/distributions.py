"""Distributions of task durations for the polling cases, and the optimum of polling for a known one. Pure.

They are those of the reference measurements: lognormal times as vendors publish them, a heavy tail, two modes, and
one that is nearly constant.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

GRID_STEP_S = 0.5  # grid of the dynamic programme
MAX_DURATION_S = 900.0  # longer tasks are rare, and polled every MAX_INTERVAL_S
MAX_INTERVAL_S = 60.0
SAMPLES = 40_000

Distribution = Callable[[random.Random], float]
"""Draws one task's time, seconds."""


def lognormal(median_s: float, sigma: float) -> Distribution:
    """Times whose logarithm is normal."""
    return lambda rng: median_s * math.exp(rng.gauss(0, sigma))


def mixed(*parts: tuple[float, Distribution]) -> Distribution:
    """A mixture of distributions, each with its share."""
    shares, distributions = [share for share, _ in parts], [distribution for _, distribution in parts]
    return lambda rng: rng.choices(distributions, shares)[0](rng)


def pareto(min_s: float, alpha: float) -> Distribution:
    """A heavy tail."""
    return lambda rng: min_s * rng.paretovariate(alpha)


def late_exponential(min_s: float, mean_s: float) -> Distribution:
    """Nearly constant: a fixed time and a short exponential rest."""
    return lambda rng: min_s + rng.expovariate(1 / mean_s)


DISTRIBUTIONS: dict[str, Distribution] = {
    "lognormal 60 s, 0.3": lognormal(60, 0.3),
    "lognormal 90 s, 0.5": lognormal(90, 0.5),
    "lognormal 120 s, 0.5": lognormal(120, 0.5),
    "lognormal 180 s, 0.4": lognormal(180, 0.4),
    "a tenth Pareto": mixed((0.9, lognormal(100, 0.4)), (0.1, pareto(100, 1.5))),
    "two modes, 45 and 180 s": mixed((0.5, lognormal(45, 0.2)), (0.5, lognormal(180, 0.2))),
    "75 s and a short rest": late_exponential(75, 15),
}


@dataclass(frozen=True, slots=True)
class KnownDistribution:
    """A distribution on the grid: the probability that a task takes at most so many steps, and the mean up to there."""

    below: Sequence[float]
    weight_s: Sequence[float]

    @property
    def steps(self) -> int:
        """How many steps the grid has."""
        return len(self.below) - 1


def known(distribution: Distribution, seed: int = 11) -> KnownDistribution:
    """The distribution of many samples, cut at MAX_DURATION_S."""
    rng = random.Random(seed)
    steps = round(MAX_DURATION_S / GRID_STEP_S)
    counts, sums = [0] * (steps + 1), [0.0] * (steps + 1)
    for _ in range(SAMPLES):
        took_s = min(distribution(rng), MAX_DURATION_S)
        slot = min(steps, math.ceil(took_s / GRID_STEP_S))
        counts[slot] += 1
        sums[slot] += took_s
    return KnownDistribution([n / SAMPLES for n in accumulate(counts)], [s / SAMPLES for s in accumulate(sums)])


def best_plan(distribution: KnownDistribution, cost_s: float) -> list[int]:
    """Poll ages, in steps, that minimise mean lag + cost x requests for a known distribution.

    Exact, by dynamic programming. `cost_s` is the cost of a request, in seconds of lag.
    """
    steps, longest = distribution.steps, round(MAX_INTERVAL_S / GRID_STEP_S)
    # cost[i]: what the rest costs from a poll at step i on, weighted with the probability that the task still runs
    cost, following = [0.0] * (steps + 1), [0] * (steps + 1)
    for start in range(steps - 1, -1, -1):
        alive = 1 - distribution.below[start]
        best, at = math.inf, steps
        for stop in range(start + 1, min(steps, start + longest) + 1):
            ended = distribution.below[stop] - distribution.below[start]
            lag_s = ended * stop * GRID_STEP_S - (distribution.weight_s[stop] - distribution.weight_s[start])
            total = cost_s * alive + lag_s + cost[stop]
            if total < best:
                best, at = total, stop
        cost[start], following[start] = best, at
    plan, step = [], 0
    while step < steps and distribution.below[step] < 1:
        step = following[step]
        plan.append(step)
    return plan


def cost_of(distribution: KnownDistribution, plan: Sequence[int]) -> tuple[float, float]:
    """Mean requests a task and mean lag, seconds, of fixed poll ages."""
    requests = lag_s = 0.0
    before = 0
    for stop in plan:
        requests += 1 - distribution.below[before]
        lag_s += (distribution.below[stop] - distribution.below[before]) * stop * GRID_STEP_S - (
            distribution.weight_s[stop] - distribution.weight_s[before]
        )
        before = stop
    return requests, lag_s


COSTS_S = (0.02, 0.05, 0.1, 0.2, 0.35, 0.7, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


def bound(distribution: KnownDistribution, costs_s: Sequence[float] = COSTS_S) -> list[tuple[float, float]]:
    """The front that no policy can pass: (requests, lag) for each cost, by ascending requests."""
    return sorted(cost_of(distribution, best_plan(distribution, cost_s)) for cost_s in costs_s)


def lag_at(front: Sequence[tuple[float, float]], requests: float) -> float:
    """The front's lag at so many requests, between its points on logarithmic scales."""
    front = [(max(k, 1e-9), max(lag, 1e-9)) for k, lag in front]
    pairs = list(pairwise(front))
    inside = next(
        ((a, b) for a, b in pairs if a[0] <= requests <= b[0]), pairs[0] if requests < front[0][0] else pairs[-1]
    )
    (k1, l1), (k2, l2) = inside
    part = (math.log(requests) - math.log(k1)) / (math.log(k2) - math.log(k1))
    return math.exp(math.log(l1) + part * (math.log(l2) - math.log(l1)))
