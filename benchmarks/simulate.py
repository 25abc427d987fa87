"""A virtual clock: tasks in slots that are polled by a policy. Pure; a night takes a second."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from batchvid.runner.limits import Slots, Window
from batchvid.runner.queue import FairQueue
from benchmarks.laws import LONGEST_S, Law
from benchmarks.policies import Policy


@dataclass(frozen=True, slots=True)
class Watched:
    """What polling one task came to."""

    requests: int
    lag_s: float


def watch_all(policy: Policy, law: Law, *, tasks: int, slots: int, seed: int = 5) -> list[Watched]:
    """Poll so many tasks, so many at once; each in the order in which it was found finished."""
    rng = random.Random(seed)
    due: list[tuple[float, int, float, float, int]] = []  # poll at, number, born at, takes s, asked so far
    started, found = 0, []

    def start(now: float) -> None:
        nonlocal started
        takes_s = min(law(rng), LONGEST_S)
        heapq.heappush(due, (now + policy.wait_s(0.0, 0), started, now, takes_s, 0))
        started += 1

    for number in range(min(slots, tasks)):
        start(number * 0.7)
    last: dict[int, float] = {}
    while due:
        now, number, born_at, takes_s, asked = heapq.heappop(due)
        age_s = now - born_at
        if age_s < takes_s:
            last[number] = age_s
            wait_s = policy.wait_s(age_s, asked + 1)
            heapq.heappush(due, (now + wait_s, number, born_at, takes_s, asked + 1))
            continue
        policy.ended(last.pop(number, 0.0), age_s)
        found.append(Watched(asked + 1, age_s - takes_s))
        if started < tasks:
            start(now)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One provider of a simulated night: its limits, and (model, law) of what is bought there, in even parts."""

    slots: int
    models: Sequence[tuple[str, Law]]
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
    rank: Callable[[str], float] = lambda _model: 0.0,
    seed: int = 5,
) -> Night:
    """Run so many jobs at each site through the runner's own queue, slots and rate.

    A share `failing` of the tasks ends without a clip and is bought again. Jobs are queued by `rank`, lowest first;
    jobs of equal rank in the fairness of the queue.
    """
    whole = Night()
    for number, site in enumerate(sites):
        one = _Lane(site, policy(), random.Random(seed + number)).run(jobs, failing, rank)
        whole.makespan_s = max(whole.makespan_s, one.makespan_s)
        whole.bound_s = max(whole.bound_s, one.bound_s)
        whole.requests += one.requests
    return whole


@dataclass(slots=True)
class _Lane:
    site: Site
    policy: Policy
    rng: random.Random
    queues: dict[float, FairQueue] = field(default_factory=dict)
    running: list[tuple[float, str, str, bool]] = field(default_factory=list)  # found at, job, model, fails

    def run(self, jobs: int, failing: float, rank: Callable[[str], float]) -> Night:
        told, laws = Night(), dict(self.site.models)
        names = list(laws)
        for number in range(jobs):
            self._push(f"{number}", names[number % len(names)], rank)
        slots, submits = Slots(self.site.slots), Window(self.site.submits_per_min, 60.0)
        now = work_s = longest_s = 0.0
        bought = 0
        while self.running or any(self.queues.values()):
            job = self._pop(slots) if submits.opens_at() <= now else None
            if job is not None:
                job_id, model = job
                takes_s = min(laws[model](self.rng), LONGEST_S)
                found_at, asked = self._detected(now, takes_s)
                slots.hold(job_id, model)
                submits.grant(now)
                heapq.heappush(self.running, (found_at, job_id, model, self.rng.random() < failing))
                work_s, longest_s, bought = work_s + takes_s, max(longest_s, takes_s), bought + 1
                told.requests += 1 + asked
                told.makespan_s = max(told.makespan_s, found_at)
            elif any(self.queues.values()) and slots.used < self.site.slots and (opens := submits.opens_at()) > now:
                now = opens
            else:
                now, job_id, model, fails = heapq.heappop(self.running)
                slots.free(job_id)
                if fails:
                    self._push(job_id, model, rank)
        rate_s = 60.0 * (math.ceil(bought / self.site.submits_per_min) - 1)  # the first minute's go out at once
        told.bound_s = max(work_s / self.site.slots, longest_s, rate_s)
        return told

    def _push(self, job_id: str, model: str, rank: Callable[[str], float]) -> None:
        self.queues.setdefault(rank(model), FairQueue()).push(job_id, model, model)

    def _pop(self, slots: Slots) -> tuple[str, str] | None:
        for key in sorted(self.queues):
            taken: list[str] = []

            def allows(model: str, taken: list[str] = taken) -> bool:
                taken[:] = [model]
                return slots.has_free(model)

            job_id = self.queues[key].pop(allows)
            if job_id is not None:
                return job_id, taken[0]
        return None

    def _detected(self, born_at: float, takes_s: float) -> tuple[float, int]:
        """When a task is found finished, and how often it was asked."""
        age_s, last_s, asked = self.policy.wait_s(0.0, 0), 0.0, 1
        while age_s < takes_s:
            last_s, age_s, asked = age_s, age_s + self.policy.wait_s(age_s, asked), asked + 1
        self.policy.ended(last_s, age_s)
        return born_at + age_s, asked
