"""Whom to ask next when all tasks share one budget of polls: simulated on a virtual clock. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from benchmarks.laws import LAWS, LONGEST_S, STEP_S, known


@dataclass(slots=True)
class Task:
    """A task in flight: times on the virtual clock, seconds."""

    law: str
    born_at: float
    takes_s: float
    asked_at: float


Chooser = Callable[[Sequence[Task], float], int]
"""The seam: told the tasks and the time, says the index of the one to ask now."""

ROUND_ROBIN = "round-robin"


def longest_unasked(tasks: Sequence[Task], _now: float) -> int:
    """Round-robin: whoever was asked longest ago. It is what a heap of due times becomes when the budget is short."""
    return min(range(len(tasks)), key=lambda index: tasks[index].asked_at)


def most_to_learn(tasks: Sequence[Task], now: float) -> int:
    """The largest integral of sqrt(hazard) since the last look, the laws being known."""

    def gain(task: Task) -> float:
        amount = _amount(task.law)
        last = len(amount) - 1
        start, stop = int((task.asked_at - task.born_at) / STEP_S), int((now - task.born_at) / STEP_S)
        return amount[min(stop, last)] - amount[min(start, last)]

    return max(range(len(tasks)), key=lambda index: gain(tasks[index]))


@cache
def _amount(law: str) -> list[float]:
    grid = known(LAWS[law])
    amount = [0.0]
    for step in range(grid.steps):
        alive = 1 - grid.below[step]
        rate = (grid.below[step + 1] - grid.below[step]) / alive / STEP_S if alive > 0 else 1.0
        amount.append(amount[-1] + STEP_S * math.sqrt(rate))
    return amount


CHOOSERS: dict[str, Chooser] = {
    ROUND_ROBIN: longest_unasked,
    "batchvid (a heap of due times)": longest_unasked,
    "sqrt-hazard, laws known": most_to_learn,
}


def mean_lag_s(choose: Chooser, in_flight: int, polls_per_s: float, seconds: float, seed: int) -> float:
    """Mean lag of all tasks found in the second half of the time; every slot is refilled at once."""
    rng = random.Random(seed)
    names = list(LAWS)

    def fresh(now: float) -> Task:
        law = rng.choice(names)
        return Task(law, now, min(LAWS[law](rng), LONGEST_S), now)

    tasks = [fresh(-rng.uniform(0, 100)) for _ in range(in_flight)]
    lags, now = [], 0.0
    while now < seconds:
        now += 1 / polls_per_s
        index = choose(tasks, now)
        task = tasks[index]
        task.asked_at = now
        if now - task.born_at >= task.takes_s:
            if now > seconds / 2:
                lags.append(now - task.born_at - task.takes_s)
            tasks[index] = fresh(now)
    return sum(lags) / len(lags)
