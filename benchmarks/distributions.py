"""How long tasks take: the laws of the polling cases, and the best that polling can do when the law is known. Pure.

The laws are those of the reference measurements: lognormal times as vendors publish them, a heavy tail, two modes, and
one that is nearly constant.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

SUBMIT_SPACING_S = 0.5  # grid of the dynamic programme
LONGEST_S = 900.0  # what takes longer is asked every LONGEST_GAP_S and hardly happens
LONGEST_GAP_S = 60.0
SAMPLES = 40_000

DurationModel = Callable[[random.Random], float]
"""Draws one task's time, seconds."""


def lognormal(median_s: float, sigma: float) -> DurationModel:
    """Times whose logarithm is normal."""
    return lambda rng: median_s * math.exp(rng.gauss(0, sigma))


def mixed(*parts: tuple[float, DurationModel]) -> DurationModel:
    """One of several laws, each with its share."""
    shares, duration_models = [share for share, _ in parts], [duration_model for _, duration_model in parts]
    return lambda rng: rng.choices(duration_models, shares)[0](rng)


def pareto(least_s: float, alpha: float) -> DurationModel:
    """A heavy tail."""
    return lambda rng: least_s * rng.paretovariate(alpha)


def late_exponential(least_s: float, mean_s: float) -> DurationModel:
    """Nearly constant: a fixed time and a short exponential rest."""
    return lambda rng: least_s + rng.expovariate(1 / mean_s)


DURATION_MODELS: dict[str, DurationModel] = {
    "lognormal 60 s, 0.3": lognormal(60, 0.3),
    "lognormal 90 s, 0.5": lognormal(90, 0.5),
    "lognormal 120 s, 0.5": lognormal(120, 0.5),
    "lognormal 180 s, 0.4": lognormal(180, 0.4),
    "a tenth Pareto": mixed((0.9, lognormal(100, 0.4)), (0.1, pareto(100, 1.5))),
    "two modes, 45 and 180 s": mixed((0.5, lognormal(45, 0.2)), (0.5, lognormal(180, 0.2))),
    "75 s and a short rest": late_exponential(75, 15),
}


@dataclass(frozen=True, slots=True)
class Known:
    """A law on the grid: the probability that a task takes at most so many steps, and the mean time up to there."""

    below: Sequence[float]
    weight_s: Sequence[float]

    @property
    def steps(self) -> int:
        """How many steps the grid has."""
        return len(self.below) - 1


def known(duration_model: DurationModel, seed: int = 11) -> Known:
    """The law as its own samples tell it, cut at LONGEST_S."""
    rng = random.Random(seed)
    steps = round(LONGEST_S / SUBMIT_SPACING_S)
    counts, sums = [0] * (steps + 1), [0.0] * (steps + 1)
    for _ in range(SAMPLES):
        took_s = min(duration_model(rng), LONGEST_S)
        slot = min(steps, math.ceil(took_s / SUBMIT_SPACING_S))
        counts[slot] += 1
        sums[slot] += took_s
    return Known([n / SAMPLES for n in accumulate(counts)], [s / SAMPLES for s in accumulate(sums)])


def best_plan(duration_model: Known, cost_s: float) -> list[int]:
    """Poll ages, in steps, that minimise mean lag + price x requests for a known law: exact, by dynamic programming.

    `cost_s` is what a request costs, in seconds of lag.
    """
    steps, longest = duration_model.steps, round(LONGEST_GAP_S / SUBMIT_SPACING_S)
    # cost[i]: what the rest costs from a poll at step i on, weighted with the probability that the task still runs
    cost, following = [0.0] * (steps + 1), [0] * (steps + 1)
    for start in range(steps - 1, -1, -1):
        alive = 1 - duration_model.below[start]
        best, at = math.inf, steps
        for stop in range(start + 1, min(steps, start + longest) + 1):
            ended = duration_model.below[stop] - duration_model.below[start]
            lag_s = ended * stop * SUBMIT_SPACING_S - (duration_model.weight_s[stop] - duration_model.weight_s[start])
            total = cost_s * alive + lag_s + cost[stop]
            if total < best:
                best, at = total, stop
        cost[start], following[start] = best, at
    plan, step = [], 0
    while step < steps and duration_model.below[step] < 1:
        step = following[step]
        plan.append(step)
    return plan


def cost_of(duration_model: Known, plan: Sequence[int]) -> tuple[float, float]:
    """Mean requests a task and mean lag, seconds, of fixed poll ages under a law."""
    requests = lag_s = 0.0
    before = 0
    for stop in plan:
        requests += 1 - duration_model.below[before]
        lag_s += (duration_model.below[stop] - duration_model.below[before]) * stop * SUBMIT_SPACING_S - (
            duration_model.weight_s[stop] - duration_model.weight_s[before]
        )
        before = stop
    return requests, lag_s


PRICES_S = (0.02, 0.05, 0.1, 0.2, 0.35, 0.7, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


def bound(duration_model: Known, prices_s: Sequence[float] = PRICES_S) -> list[tuple[float, float]]:
    """The front that no policy can pass: (requests, lag) for each price, requests rising."""
    return sorted(cost_of(duration_model, best_plan(duration_model, cost_s)) for cost_s in prices_s)


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
