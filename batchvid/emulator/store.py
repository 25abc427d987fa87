"""The only place that takes and frees slots. Knows no HTTP and no vendor; times are arguments (seconds since 1970)."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator

from batchvid.emulator.ledger import Ledger
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import ENDLESS, Outcome, Phase, TaskView, has_ended, view
from batchvid.emulator.task_log import TaskLog


class Store:
    """All tasks and the slots they hold. With `tick_s` a timed task shows its status of the last tick."""

    def __init__(self, ledger: Ledger, task_log: TaskLog, *, tick_s: float = 0) -> None:
        self._ledger, self._task_log, self._tick_s = ledger, task_log, tick_s
        self._tasks: dict[str, Task] = {}
        self._by_external: dict[tuple[str, str, str], Task] = {}
        self._copies: Counter[tuple[str, str]] = Counter()
        self._ends: list[tuple[float, str]] = []
        self._running: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[Task]] = defaultdict(deque)

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks.values())

    def copies(self, family: str, prompt: str) -> int:
        """Number of tasks that this family has created from this prompt."""
        return self._copies[family, prompt]

    def get(self, task_id: str, family: str, owner: str) -> Task | None:
        """The task of that id, if this key created it in this family."""
        task = self.any(task_id)
        return task if task is not None and (task.family, task.owner) == (family, owner) else None

    def any(self, task_id: str) -> Task | None:
        """The task of that id, of any key and family."""
        task = self._tasks.get(task_id)
        return None if task is not None and task.removed else task

    def cancelled(self, task_id: str, family: str, owner: str) -> Task | None:
        """A task of this key that was cancelled before it began, where the vendor keeps its record."""
        task = self._tasks.get(task_id)
        kept = task is not None and task.removed and task.keeps_record and (task.family, task.owner) == (family, owner)
        return task if kept else None

    def by_external(self, external_task_id: str, family: str, owner: str) -> Task | None:
        """The task that this key created under its own id."""
        return self._by_external.get((family, owner, external_task_id))

    def is_full(self, family: str, limit: int, now: float) -> bool:
        """Whether all slots of the family are taken; a limit of 0 is none."""
        self.settle(now)
        return limit > 0 and self._running[family] >= limit

    def create(self, task: Task, *, limit: int) -> None:
        """Write the task to the log (a restored one is there), then start it, or queue it while the family is full."""
        if not task.restored:
            self._task_log.write({"task": task})
        full = self.is_full(task.family, limit, task.created_at)
        self._tasks[task.id] = task
        if task.external_task_id:
            self._by_external[task.family, task.owner, task.external_task_id] = task
        self._copies[task.family, task.prompt] += 1
        self._ledger.created(task.family, task.route)
        if full:
            self._waiting[task.family].append(task)
        else:
            self._start(task, task.created_at)

    def settle(self, now: float) -> None:
        """End every task whose time is over, in the order of their ends, and start the waiting ones."""
        while self._ends and self._ends[0][0] <= now:
            ends_at, task_id = heapq.heappop(self._ends)
            task = self._tasks[task_id]
            if not task.removed and task.ended_at is None:
                self._end(task, ends_at)

    def poll(self, task: Task, now: float) -> TaskView:
        """What the task shows now. Counts as a poll, which may end the task."""
        self.settle(now)
        if task.removed:
            return self.peek(task, now)
        if task.started_at is None:
            return TaskView(Phase.THROTTLED, 0)
        if task.ended_at is None:
            task.visible_polls += 1
            if task.duration.polls and has_ended(task.duration, task.outcome, age_s=0, polls=task.visible_polls):
                self._task_log.write({"ended": task.id, "at": now})  # no clock can repeat it
                self._end(task, now)
        return self.peek(task, now)

    def peek(self, task: Task, now: float) -> TaskView:
        """What the task shows now, without counting as a poll."""
        self.settle(now)
        if task.removed:
            return TaskView(Phase.CANCELLED, 0)
        if task.ended_at is not None and task.outcome is Outcome.CANCELLED:
            return TaskView(Phase.CANCELLED, 0)
        if task.started_at is None:
            return TaskView(Phase.THROTTLED, 0)
        if task.ended_at is not None and task.duration.polls:
            return view(task.duration, task.outcome, age_s=0, polls=task.duration.polls)
        seen_at = now - now % self._tick_s if self._tick_s else now
        return view(task.duration, task.outcome, age_s=max(0.0, seen_at - task.started_at), polls=task.visible_polls)

    def remove(self, task: Task, at: float) -> None:
        """Cancel an unfinished task, or delete a finished one; no call finds it afterwards."""
        self.settle(at)
        self._task_log.write({"removed": task.id, "at": at})
        self._remove(task, at)

    def cancel(self, task: Task, at: float) -> None:
        """Cancel an unfinished task, which its buyer still sees."""
        self._task_log.write({"cancelled": task.id, "at": at})
        self._cancel(task, at)

    def restore(self, limit_of: Callable[[str], int]) -> None:
        """Replay the log."""
        for entry in self._task_log.read():
            if isinstance(entry, Task):
                entry.restored = True
                self.create(entry, limit=limit_of(entry.family))
                continue
            how, task_id, at = entry
            if how == "removed":
                self.settle(at)
                self._remove(self._tasks[task_id], at)
            elif how == "cancelled":
                self.settle(at)
                self._cancel(self._tasks[task_id], at)
            else:
                self._end(self._tasks[task_id], at)

    def clear(self) -> None:
        """Forget every task and end what is in flight."""
        for task in self._tasks.values():
            if task.ended_at is None:
                self._ledger.ended(task.family, task.route)
        for table in (self._tasks, self._by_external, self._copies, self._ends, self._running, self._waiting):
            table.clear()
        self._task_log.clear()

    def _start(self, task: Task, at: float) -> None:
        task.started_at = at
        self._running[task.family] += 1
        if not task.duration.polls and task.outcome not in ENDLESS:
            heapq.heappush(self._ends, (at + task.duration.seconds, task.id))

    def _remove(self, task: Task, at: float) -> None:
        task.removed = True
        if task.started_at is None:  # it never held a slot
            self._waiting[task.family].remove(task)
            self._ledger.ended(task.family, task.route)
        elif task.ended_at is None:
            self._end(task, at)

    def _cancel(self, task: Task, at: float) -> None:
        task.outcome = Outcome.CANCELLED
        if task.started_at is None:
            self._waiting[task.family].remove(task)
            self._start(task, at)
        self._end(task, at)

    def _end(self, task: Task, at: float) -> None:
        task.ended_at = at
        self._ledger.ended(task.family, task.route)
        self._running[task.family] -= 1
        if waiting := self._waiting[task.family]:
            self._start(waiting.popleft(), at)
