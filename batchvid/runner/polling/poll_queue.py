"""Orders the tasks in flight by their next poll, and keeps all polls of a provider under its rate."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import defaultdict

from batchvid.runner.context import RunContext, wait_for_event
from batchvid.runner.estimation.poll_schedule import (
    BUSY_POLL_COST_S,
    CALLBACK_FACTOR,
    IDLE_POLL_COST_S,
    cost_within_rate,
    next_age_s,
    next_age_with_callbacks_s,
    poll_demand,
    poll_spacing_s,
)
from batchvid.runner.polling.tracked_task import TrackedTask
from batchvid.runner.providers.provider_state import ProviderState

REPRICE_EVERY_S = 2.0
MAX_SAMPLED_TASKS = 500  # tasks that stand for all when the cost of a poll is computed
REPRICE_RATIO = 1.25  # a smaller change of the cost leaves the order as it is
TICK_S = 0.05  # polls due within it go out together: hundreds a second would each wake the loop, at a fifth more CPU
MIN_TICK_S = 0.01
POLLS_PER_REFRESH = 20  # minimum per refresh interval of a vendor: keeps the lag of fast providers small
MAX_CONCURRENT_POLLS = 64  # per provider: a slow one must not gather thousands of open requests
EMPTY_WAIT_S = 60.0
WAKE_DELAY_S = 0.02  # after a callback: more may come, and the vendor's poll route may be a little behind
WAKE_GAP_S = 2.0  # between two polls of a task that its callbacks cause


class PollQueue:
    """The tasks of one run, by provider and time of the next poll."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._due: defaultdict[str, list[tuple[float, int, TrackedTask]]] = defaultdict(list)
        self._singly: set[str] = set()
        self._pushed = 0
        self._wake = asyncio.Event()
        self._sleeps_until = math.inf

    def push(self, task: TrackedTask, at: float) -> None:
        """Poll the task at this time."""
        self._pushed += 1
        heapq.heappush(self._due[task.provider_state.name], (at, self._pushed, task))
        if at < self._sleeps_until:  # most of thousands of tasks are due later than the next wake-up
            self._wake.set()

    def schedule(self, task: TrackedTask) -> None:
        """Poll the task when its duration model suggests it."""
        now = self._context.now()
        task.not_before, task.follows_cost = now + task.poll_interval.refresh_s, True
        # no rare poll where one that a callback caused shows no end: the vendor's own view may be late
        may_be_rare = task.expects_callback and not task.was_called and not task.unseen
        task.is_rare = may_be_rare and task.provider_state.callback_trust.is_given
        task.was_called = task.is_woken = False
        self.push(task, self._due_at(task, now))

    def wake(self, provider_state: ProviderState, job_id: str) -> bool:
        """Poll the job's task now, within the rate, because its vendor called; False if it is not in the queue.

        A task whose polls fail waits as long as it had to. Callbacks in a row cause one poll.
        """
        due = self._due[provider_state.name]
        index = next((i for i, (_, _, task) in enumerate(due) if task.job_id == job_id), None)
        if index is None:
            return False
        at, number, task = due[index]
        task.was_called = True
        woken_at = self._woken_at(task)
        if not task.unanswered and woken_at < at:
            due[index] = (woken_at, number, task)
            heapq.heapify(due)
            self._mark_woken(task, woken_at)
        return True

    def push_woken(self, task: TrackedTask) -> None:
        """Poll the task again soon: its vendor called during a poll that showed no end."""
        task.was_called = True
        woken_at = self._woken_at(task)
        self._mark_woken(task, woken_at)
        self.push(task, woken_at)

    def _woken_at(self, task: TrackedTask) -> float:
        return max(self._context.now() + WAKE_DELAY_S, task.woken_at + WAKE_GAP_S)

    def _mark_woken(self, task: TrackedTask, at: float) -> None:
        task.woken_at = task.not_before = at
        task.follows_cost, task.is_woken = False, True
        if at < self._sleeps_until:
            self._wake.set()

    def reschedule(self, provider_state: ProviderState) -> None:
        """Give the provider's tasks new times, because its callbacks began or ceased to arrive."""
        now, trusted = self._context.now(), provider_state.callback_trust.is_given
        for _, _, task in (due := self._due[provider_state.name]):
            task.is_rare = task.follows_cost and task.expects_callback and not task.unseen and trusted
        self._recompute(due, now)
        self._wake.set()

    def _recompute(self, due: list[tuple[float, int, TrackedTask]], now: float) -> None:
        due[:] = [(self._due_at(task, now) if task.follows_cost else at, n, task) for at, n, task in due]
        heapq.heapify(due)

    def postpone(self, task: TrackedTask, delay_s: float) -> None:
        """Poll the task after this delay, whatever a poll costs."""
        task.not_before, task.follows_cost, task.is_woken = self._context.now() + delay_s, False, False
        self.push(task, task.not_before)

    def pop(self, provider_state: ProviderState) -> TrackedTask:
        """Remove and return the provider's next task."""
        return heapq.heappop(self._due[provider_state.name])[2]

    def pop_batch(self, provider_state: ProviderState, now: float) -> list[TrackedTask]:
        """Remove and return the provider's next task, and those that the same call may poll, the next ones first."""
        first = self.pop(provider_state)
        if first.poll_many is None or not first.is_joinable or first.path in self._singly:
            return [first]
        due = self._due[provider_state.name]
        joining = sorted(entry[:2] for entry in due if entry[2].joins(first, now))[: first.poll_many.max_tasks - 1]
        if not joining:
            return [first]
        chosen = {number for _, number in joining}
        tasks = {number: task for _, number, task in due if number in chosen}
        due[:] = [entry for entry in due if entry[1] not in chosen]
        heapq.heapify(due)
        return [first, *(tasks[number] for _, number in joining)]

    def poll_singly(self, task: TrackedTask) -> None:
        """Poll the tasks at this place one by one from now on: a call for several was refused."""
        self._singly.add(task.path)

    def clear(self, provider_state: ProviderState) -> list[TrackedTask]:
        """Remove and return all tasks of the provider."""
        return [task for _, _, task in self._due.pop(provider_state.name, [])]

    def clear_wake(self) -> None:
        """Forget earlier wake-ups, before the queue is served."""
        self._wake.clear()

    async def wait(self, wait_s: float) -> None:
        """Wait so long, or until a task is due earlier."""
        self._sleeps_until = self._context.now() + wait_s
        await wait_for_event(self._wake, wait_s)

    def wait_s(self, provider_state: ProviderState, now: float) -> float:
        """Seconds until the provider's next poll may go out; 0.0 if one may go out now."""
        due = self._due[provider_state.name]
        if not due:
            return EMPTY_WAIT_S
        due_at, _, task = due[0]
        if provider_state.poll_cost_s > provider_state.min_poll_cost_s:  # the rate is the limit: use all of it
            due_at = task.not_before
        next_at = max(
            due_at,
            provider_state.polls.next_available_at(),
            -math.inf if task.is_woken else provider_state.poll_pacer.next_available_at(),
            provider_state.polls_paused_until,
        )
        if next_at <= now and provider_state.pending_polls < MAX_CONCURRENT_POLLS:
            return 0.0
        tick_s = min(TICK_S, provider_state.poll_pacer.burst_s, task.poll_interval.refresh_s / POLLS_PER_REFRESH)
        return min(max(next_at - now, tick_s, MIN_TICK_S), REPRICE_EVERY_S)

    def update_cost(self, provider_state: ProviderState, now: float) -> None:
        """Set the cost of a poll so that all polls together stay under the rate. Does nothing if it is recent."""
        if now < provider_state.repriced_at + REPRICE_EVERY_S:
            return
        due = self._due[provider_state.name]
        step = 1 + len(due) // MAX_SAMPLED_TASKS
        demands = [
            poll_demand(task.duration_model, task.poll_interval, now - task.submitted_at_s)
            * step
            / self._batch_size(task, len(due))
            / (CALLBACK_FACTOR if task.is_rare else 1)
            for _, _, task in due[::step]
        ]
        provider_state.min_poll_cost_s = BUSY_POLL_COST_S if provider_state.queue else IDLE_POLL_COST_S
        cost_s = max(provider_state.min_poll_cost_s, cost_within_rate(demands, provider_state.provider.polls_per_s))
        provider_state.poll_pacer.interval_s = poll_spacing_s(demands, cost_s)
        provider_state.repriced_at = now
        if not 1 / REPRICE_RATIO < cost_s / provider_state.poll_cost_s < REPRICE_RATIO:
            provider_state.poll_cost_s = cost_s
            self._recompute(due, now)

    def _batch_size(self, task: TrackedTask, count: int) -> int:
        """How many tasks one call polls, of so many."""
        return 1 if task.poll_many is None or task.path in self._singly else min(task.poll_many.max_tasks, count)

    def _due_at(self, task: TrackedTask, now: float) -> float:
        last_seen_running_at = now if task.last_seen_running_at is None else task.last_seen_running_at
        age_s = max(last_seen_running_at - task.submitted_at_s, 0.0)
        due_age_s = next_age_s(
            task.duration_model, task.poll_interval, age_s, task.provider_state.poll_cost_s, task.job_id
        )
        if task.is_rare:
            due_age_s = next_age_with_callbacks_s(age_s, due_age_s, task.provider_state.callback_trust.max_wait_s)
        due_at = task.submitted_at_s + due_age_s
        timeout_at = task.submitted_at_s + task.deadlines.next_s(now - task.submitted_at_s)
        return max(min(due_at, timeout_at), task.not_before)  # only a poll detects that a task is overdue
