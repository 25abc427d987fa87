"""A virtual clock: tasks in slots that are polled by a policy. Pure; a night takes a second."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from batchvid.runner.providers.fair_queue import FairQueue
from batchvid.runner.providers.rate_limits import ConcurrencySlots, SlidingWindowRateLimiter
from benchmarks.distributions import MAX_DURATION_S, Distribution
from benchmarks.policies import Policy


@dataclass(frozen=True, slots=True)
class Watched:
    """What polling one task came to."""

    requests: int
    lag_s: float


def watch_all(policy: Policy, distribution: Distribution, *, tasks: int, slots: int, seed: int = 5) -> list[Watched]:
    """Poll so many tasks, so many at once; each in the order in which it was found finished."""
    rng = random.Random(seed)
    due: list[tuple[float, int, float, float, int]] = []  # poll at, number, submitted at, duration, polls so far
    started, found = 0, []

    def start(now: float) -> None:
        nonlocal started
        takes_s = min(distribution(rng), MAX_DURATION_S)
        heapq.heappush(due, (now + policy.wait_s(0.0, 0), started, now, takes_s, 0))
        started += 1

    for number in range(min(slots, tasks)):
        start(number * 0.7)
    last: dict[int, float] = {}
    while due:
        now, number, submitted_at_s, takes_s, polls = heapq.heappop(due)
        age_s = now - submitted_at_s
        if age_s < takes_s:
            policy.survived(last.get(number, 0.0), age_s)
            last[number] = age_s
            wait_s = policy.wait_s(age_s, polls + 1)
            heapq.heappush(due, (now + wait_s, number, submitted_at_s, takes_s, polls + 1))
            continue
        policy.ended(last.pop(number, 0.0), age_s)
        found.append(Watched(polls + 1, age_s - takes_s))
        if started < tasks:
            start(now)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One provider of a simulated night: its limits, and (model, distribution) in equal parts."""

    slots: int
    models: Sequence[tuple[str, Distribution]]
    submits_per_min: float = 6000.0


@dataclass(slots=True)
class Night:
    """How long a night took, and what no schedule could have been quicker than. Seconds."""

    makespan_s: float = 0.0
    bound_s: float = 0.0
    requests: int = 0


def night(
    sites: Iterable[Site],
    policy: Callable[[], Policy],
    *,
    jobs: int,
    failing: float = 0.0,
    long_first: bool = False,
    seed: int = 5,
) -> Night:
    """Run so many jobs at each site through the runner's own queue, slots and rate, each model with its own policy.

    A share `failing` of the tasks ends without a clip and is bought again. With `long_first` the queue
    gets each model's duration as soon as its policy knows it; otherwise it only takes turns.
    """
    whole = Night()
    for number, site in enumerate(sites):
        policies = {model: policy() for model, _ in site.models}
        one = _SiteRun(site, policies, random.Random(seed + number), long_first=long_first).run(jobs, failing)
        whole.makespan_s = max(whole.makespan_s, one.makespan_s)
        whole.bound_s = max(whole.bound_s, one.bound_s)
        whole.requests += one.requests
    return whole


@dataclass(slots=True)
class _Task:
    """A task in its slot; ages in seconds."""

    job_id: str
    model: str
    submitted_at_s: float
    takes_s: float
    fails: bool
    polls: int = 0
    seen_s: float = 0.0


@dataclass(slots=True)
class _SiteRun:
    """One site. Everything happens in the order of the clock: a task is unknown until it is polled."""

    site: Site
    policies: Mapping[str, Policy]
    rng: random.Random
    long_first: bool = False
    queue: FairQueue = field(default_factory=FairQueue)
    models: dict[str, str] = field(default_factory=dict)  # of each job
    polls_due: list[tuple[float, int, _Task]] = field(default_factory=list)  # (poll at, number, task)
    result: Night = field(default_factory=Night)
    pushed: int = 0

    def run(self, jobs: int, failing: float) -> Night:
        result, distributions = self.result, dict(self.site.models)
        names = list(distributions)
        self.models = {str(number): names[number % len(names)] for number in range(jobs)}
        for waiting, model in self.models.items():
            self.queue.push(waiting, model, model)
        slots, submits = ConcurrencySlots(self.site.slots), SlidingWindowRateLimiter(self.site.submits_per_min, 60.0)
        now = work_s = longest_s = 0.0
        bought = 0
        while self.polls_due or self.queue:
            open_at = submits.next_available_at()
            if open_at <= now and (job_id := self.queue.pop(slots.has_free, self._lasts_s)) is not None:
                model = self.models[job_id]
                task = _Task(
                    job_id, model, now, min(distributions[model](self.rng), MAX_DURATION_S), self.rng.random() < failing
                )
                slots.acquire(job_id, model)
                submits.acquire(now)
                self._look_later(task, 0.0)
                result.requests += 1
                work_s, longest_s, bought = work_s + task.takes_s, max(longest_s, task.takes_s), bought + 1
            elif now < open_at < self._next_look_at() and self.queue and slots.used < self.site.slots:
                now = open_at
            else:
                now, _, task = heapq.heappop(self.polls_due)
                if self._is_over(task, now):
                    slots.release(task.job_id)
        rate_s = 60.0 * (math.ceil(bought / self.site.submits_per_min) - 1)  # the first minute's go out at once
        result.bound_s = max(work_s / self.site.slots, longest_s, rate_s)
        return result

    def _lasts_s(self, model: str) -> float | None:
        return self.policies[model].expected_duration_s() if self.long_first else None

    def _next_look_at(self) -> float:
        return self.polls_due[0][0] if self.polls_due else math.inf

    def _look_later(self, task: _Task, age_s: float) -> None:
        self.pushed += 1
        at = task.submitted_at_s + age_s + self.policies[task.model].wait_s(age_s, task.polls)
        heapq.heappush(self.polls_due, (at, self.pushed, task))

    def _is_over(self, task: _Task, now: float) -> bool:
        """Poll a task. If it failed, its job is queued again."""
        policy, age_s = self.policies[task.model], now - task.submitted_at_s
        task.polls += 1
        self.result.requests += 1
        if age_s < task.takes_s:
            policy.survived(task.seen_s, age_s)
            task.seen_s = age_s
            self._look_later(task, age_s)
            return False
        policy.ended(task.seen_s, age_s)
        self.result.makespan_s = max(self.result.makespan_s, now)
        if task.fails:
            self.queue.push(task.job_id, task.model, task.model)
        return True
