"""Which task to poll next when all share one poll rate: simulated on a virtual clock. Pure."""

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
from batchvid.runner.polling.poll_queue import REPRICE_EVERY_S, REPRICE_RATIO
from benchmarks.distributions import DISTRIBUTIONS, GRID_STEP_S, MAX_DURATION_S, known

PACE = PollInterval(every_s=10.0, refresh_s=1.0)


@dataclass(slots=True)
class Task:
    """A task in flight: times on the virtual clock, seconds."""

    distribution: str
    submitted_at_s: float
    takes_s: float
    polled_at: float


class Chooser(Protocol):
    """Chooses the task to poll, and learns from the polls."""

    def choose(self, tasks: Sequence[Task], now: float) -> int:
        """The index of the task to poll."""

    def on_poll(self, task: Task, now: float, *, ended: bool) -> None:
        """The result of a poll; `polled_at` is still the time of the poll before it."""


class RoundRobin:
    """The task that was polled longest ago."""

    def choose(self, tasks: Sequence[Task], now: float) -> int:  # noqa: ARG002 - the seam's signature
        """See Chooser."""
        return min(range(len(tasks)), key=lambda index: tasks[index].polled_at)

    def on_poll(self, task: Task, now: float, *, ended: bool) -> None:
        """Learns nothing."""


class MostToLearn(RoundRobin):
    """The largest integral of sqrt(hazard) since the last poll, for known distributions."""

    def choose(self, tasks: Sequence[Task], now: float) -> int:
        """See Chooser."""

        def gain(task: Task) -> float:
            amount = _amount(task.distribution)
            last = len(amount) - 1
            start, stop = (
                int((task.polled_at - task.submitted_at_s) / GRID_STEP_S),
                int((now - task.submitted_at_s) / GRID_STEP_S),
            )
            return amount[min(stop, last)] - amount[min(start, last)]

        return max(range(len(tasks)), key=lambda index: gain(tasks[index]))


class OfBatchvid:
    """The runner's rule: due times by the learned duration models, at the cost that keeps all polls within the rate.

    It uses the runner's own rules. The cost is computed as often, and due times move as rarely, as in its poller.
    """

    def __init__(self, polls_per_s: float) -> None:
        self._rate = polls_per_s
        self._models = {name: DurationModel() for name in DISTRIBUTIONS}
        self._cost_s, self._repriced_at = BUSY_POLL_COST_S, -math.inf
        self._due: dict[int, tuple[float, float]] = {}  # of each task: polled at, due at

    def choose(self, tasks: Sequence[Task], now: float) -> int:
        """See Chooser: the task that is due first."""
        if now >= self._repriced_at + REPRICE_EVERY_S:
            self._repriced_at = now
            demands = (poll_demand(self._models[task.distribution], PACE, now - task.submitted_at_s) for task in tasks)
            cost_s = max(BUSY_POLL_COST_S, cost_within_rate(demands, self._rate))
            if not 1 / REPRICE_RATIO < cost_s / self._cost_s < REPRICE_RATIO:
                self._cost_s = cost_s
                self._due.clear()
        return min(range(len(tasks)), key=lambda index: self._due_at(index, tasks[index]))

    def _due_at(self, index: int, task: Task) -> float:
        known = self._due.get(index)
        if known is None or known[0] != task.polled_at:
            age_s = max(task.polled_at - task.submitted_at_s, 0.0)
            due_s = next_age_s(self._models[task.distribution], PACE, age_s, self._cost_s, f"task {index}")
            known = self._due[index] = (task.polled_at, task.submitted_at_s + due_s)
        return known[1]

    def on_poll(self, task: Task, now: float, *, ended: bool) -> None:
        """See Chooser."""
        look = self._models[task.distribution].ended if ended else self._models[task.distribution].survived
        look(max(task.polled_at - task.submitted_at_s, 0.0), now - task.submitted_at_s)


@cache
def _amount(distribution: str) -> list[float]:
    grid = known(DISTRIBUTIONS[distribution])
    amount = [0.0]
    for step in range(grid.steps):
        alive = 1 - grid.below[step]
        rate = (grid.below[step + 1] - grid.below[step]) / alive / GRID_STEP_S if alive > 0 else 1.0
        amount.append(amount[-1] + GRID_STEP_S * math.sqrt(rate))
    return amount


ROUND_ROBIN, BATCHVID = "round-robin", "batchvid"
CHOOSERS: dict[str, Callable[[float], Chooser]] = {
    ROUND_ROBIN: lambda _rate: RoundRobin(),
    BATCHVID: OfBatchvid,
    "sqrt-hazard, distributions known": lambda _rate: MostToLearn(),
}
"""Makes a new chooser for each simulation, from the polls per second."""


def mean_lag_s(chooser: Chooser, in_flight: int, polls_per_s: float, seconds: float, seed: int) -> float:
    """Mean lag of all tasks found in the second half of the time; every slot is refilled at once."""
    rng = random.Random(seed)
    names = list(DISTRIBUTIONS)

    def fresh(now: float) -> Task:
        distribution = rng.choice(names)
        return Task(distribution, now, min(DISTRIBUTIONS[distribution](rng), MAX_DURATION_S), now)

    tasks = [fresh(-rng.uniform(0, 100)) for _ in range(in_flight)]
    lags, now = [], 0.0
    while now < seconds:
        now += 1 / polls_per_s
        index = chooser.choose(tasks, now)
        task = tasks[index]
        lag_s = now - task.submitted_at_s - task.takes_s
        chooser.on_poll(task, now, ended=lag_s >= 0)
        task.polled_at = now
        if lag_s >= 0:
            if now > seconds / 2:
                lags.append(lag_s)
            tasks[index] = fresh(now)
    return sum(lags) / len(lags)
