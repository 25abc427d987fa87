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

STEP_S = 0.5  # grid of the dynamic programme
LONGEST_S = 900.0  # what takes longer is asked every LONGEST_GAP_S and hardly happens
LONGEST_GAP_S = 60.0
SAMPLES = 40_000

Law = Callable[[random.Random], float]
"""Draws one task's time, seconds."""


def lognormal(median_s: float, sigma: float) -> Law:
    """Times whose logarithm is normal."""
    return lambda rng: median_s * math.exp(rng.gauss(0, sigma))


def mixed(*parts: tuple[float, Law]) -> Law:
    """One of several laws, each with its share."""
    shares, laws = [share for share, _ in parts], [law for _, law in parts]
    return lambda rng: rng.choices(laws, shares)[0](rng)


def pareto(least_s: float, alpha: float) -> Law:
    """A heavy tail."""
    return lambda rng: least_s * rng.paretovariate(alpha)


def late_exponential(least_s: float, mean_s: float) -> Law:
    """Nearly constant: a fixed time and a short exponential rest."""
    return lambda rng: least_s + rng.expovariate(1 / mean_s)


LAWS: dict[str, Law] = {
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


def known(law: Law, seed: int = 11) -> Known:
    """The law as its own samples tell it, cut at LONGEST_S."""
    rng = random.Random(seed)
    steps = round(LONGEST_S / STEP_S)
    counts, sums = [0] * (steps + 1), [0.0] * (steps + 1)
    for _ in range(SAMPLES):
        took_s = min(law(rng), LONGEST_S)
        slot = min(steps, math.ceil(took_s / STEP_S))
        counts[slot] += 1
        sums[slot] += took_s
    return Known([n / SAMPLES for n in accumulate(counts)], [s / SAMPLES for s in accumulate(sums)])


def best_plan(law: Known, price_s: float) -> list[int]:
    """Poll ages, in steps, that minimise mean lag + price x requests for a known law: exact, by dynamic programming.

    `price_s` is what a request costs, in seconds of lag.
    """
    steps, longest = law.steps, round(LONGEST_GAP_S / STEP_S)
    # cost[i]: what the rest costs from a poll at step i on, weighted with the probability that the task still runs
    cost, following = [0.0] * (steps + 1), [0] * (steps + 1)
    for start in range(steps - 1, -1, -1):
        alive = 1 - law.below[start]
        best, at = math.inf, steps
        for stop in range(start + 1, min(steps, start + longest) + 1):
            ended = law.below[stop] - law.below[start]
            lag_s = ended * stop * STEP_S - (law.weight_s[stop] - law.weight_s[start])
            total = price_s * alive + lag_s + cost[stop]
            if total < best:
                best, at = total, stop
        cost[start], following[start] = best, at
    plan, step = [], 0
    while step < steps and law.below[step] < 1:
        step = following[step]
        plan.append(step)
    return plan


def cost_of(law: Known, plan: Sequence[int]) -> tuple[float, float]:
    """Mean requests a task and mean lag, seconds, of fixed poll ages under a law."""
    requests = lag_s = 0.0
    before = 0
    for stop in plan:
        requests += 1 - law.below[before]
        lag_s += (law.below[stop] - law.below[before]) * stop * STEP_S - (law.weight_s[stop] - law.weight_s[before])
        before = stop
    return requests, lag_s


PRICES_S = (0.02, 0.05, 0.1, 0.2, 0.35, 0.7, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


def bound(law: Known, prices_s: Sequence[float] = PRICES_S) -> list[tuple[float, float]]:
    """The front that no policy can pass: (requests, lag) for each price, requests rising."""
    return sorted(cost_of(law, best_plan(law, price_s)) for price_s in prices_s)


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
