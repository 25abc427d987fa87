"""Whom to ask next when all tasks share one budget of polls: simulated on a virtual clock. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from batchvid.domain.poll_interval import PollInterval
from batchvid.runner.estimation.duration_model import DurationModel
from batchvid.runner.estimation.poll_schedule import BUSY_POLL_COST_S, cost_within_rate, next_age_s, poll_demand
from batchvid.runner.polling.poller import REPRICE_EVERY_S, REPRICE_RATIO
from benchmarks.distributions import DURATION_MODELS, LONGEST_S, SUBMIT_SPACING_S, known

PACE = PollInterval(every_s=10.0, refresh_s=1.0)


@dataclass(slots=True)
class Task:
    """A task in flight: times on the virtual clock, seconds."""

    duration_model: str
    submitted_at_s: float
    takes_s: float
    asked_at: float


class Chooser(Protocol):
    """The seam: says whom to ask now, and hears what was found."""

    def choose(self, tasks: Sequence[Task], now: float) -> int:
        """The index of the task to ask."""

    def told(self, task: Task, now: float, *, ended: bool) -> None:
        """What asking it now has shown; its `asked_at` is still the time of the look before."""


class RoundRobin:
    """Whoever was asked longest ago."""

    def choose(self, tasks: Sequence[Task], now: float) -> int:  # noqa: ARG002 - the seam's signature
        """See Chooser."""
        return min(range(len(tasks)), key=lambda index: tasks[index].asked_at)

    def told(self, task: Task, now: float, *, ended: bool) -> None:
        """Learns nothing."""


class MostToLearn(RoundRobin):
    """The largest integral of sqrt(hazard) since the last look, the laws being known."""

    def choose(self, tasks: Sequence[Task], now: float) -> int:
        """See Chooser."""

        def gain(task: Task) -> float:
            amount = _amount(task.duration_model)
            last = len(amount) - 1
            start, stop = (
                int((task.asked_at - task.submitted_at_s) / SUBMIT_SPACING_S),
                int((now - task.submitted_at_s) / SUBMIT_SPACING_S),
            )
            return amount[min(stop, last)] - amount[min(start, last)]

        return max(range(len(tasks)), key=lambda index: gain(tasks[index]))


class OfBatchvid:
    """The runner's way: due times by the learned laws, at the price that keeps all of them under the rate.

    The rules are its own (`cadence`, `hazard`); the price is worked out as often, and due times move as seldom, as in
    its poller.
    """

    def __init__(self, polls_per_s: float) -> None:
        self._rate = polls_per_s
        self._laws = {name: DurationModel() for name in DURATION_MODELS}
        self._cost_s, self._priced_at = BUSY_POLL_COST_S, -math.inf
        self._due: dict[int, tuple[float, float]] = {}  # of each task: asked at, due at

    def choose(self, tasks: Sequence[Task], now: float) -> int:
        """See Chooser: the one that is due first."""
        if now >= self._priced_at + REPRICE_EVERY_S:
            self._priced_at = now
            demands = (poll_demand(self._laws[task.duration_model], PACE, now - task.submitted_at_s) for task in tasks)
            cost_s = max(BUSY_POLL_COST_S, cost_within_rate(demands, self._rate))
            if not 1 / REPRICE_RATIO < cost_s / self._cost_s < REPRICE_RATIO:
                self._cost_s = cost_s
                self._due.clear()
        return min(range(len(tasks)), key=lambda index: self._due_at(index, tasks[index]))

    def _due_at(self, index: int, task: Task) -> float:
        known = self._due.get(index)
        if known is None or known[0] != task.asked_at:
            age_s = max(task.asked_at - task.submitted_at_s, 0.0)
            due_s = next_age_s(self._laws[task.duration_model], PACE, age_s, self._cost_s, f"task {index}")
            known = self._due[index] = (task.asked_at, task.submitted_at_s + due_s)
        return known[1]

    def told(self, task: Task, now: float, *, ended: bool) -> None:
        """See Chooser."""
        look = self._laws[task.duration_model].ended if ended else self._laws[task.duration_model].survived
        look(max(task.asked_at - task.submitted_at_s, 0.0), now - task.submitted_at_s)


@cache
def _amount(duration_model: str) -> list[float]:
    grid = known(DURATION_MODELS[duration_model])
    amount = [0.0]
    for step in range(grid.steps):
        alive = 1 - grid.below[step]
        rate = (grid.below[step + 1] - grid.below[step]) / alive / SUBMIT_SPACING_S if alive > 0 else 1.0
        amount.append(amount[-1] + SUBMIT_SPACING_S * math.sqrt(rate))
    return amount


ROUND_ROBIN, BATCHVID = "round-robin", "batchvid"
CHOOSERS: dict[str, Callable[[float], Chooser]] = {
    ROUND_ROBIN: lambda _rate: RoundRobin(),
    BATCHVID: OfBatchvid,
    "sqrt-hazard, laws known": lambda _rate: MostToLearn(),
}
"""A fresh one for each simulation, told how many polls a second there are."""


def mean_lag_s(chooser: Chooser, in_flight: int, polls_per_s: float, seconds: float, seed: int) -> float:
    """Mean lag of all tasks found in the second half of the time; every slot is refilled at once."""
    rng = random.Random(seed)
    names = list(DURATION_MODELS)

    def fresh(now: float) -> Task:
        duration_model = rng.choice(names)
        return Task(duration_model, now, min(DURATION_MODELS[duration_model](rng), LONGEST_S), now)

    tasks = [fresh(-rng.uniform(0, 100)) for _ in range(in_flight)]
    lags, now = [], 0.0
    while now < seconds:
        now += 1 / polls_per_s
        index = chooser.choose(tasks, now)
        task = tasks[index]
        lag_s = now - task.submitted_at_s - task.takes_s
        chooser.told(task, now, ended=lag_s >= 0)
        task.asked_at = now
        if lag_s >= 0:
            if now > seconds / 2:
                lags.append(lag_s)
            tasks[index] = fresh(now)
    return sum(lags) / len(lags)
