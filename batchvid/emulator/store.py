"""The tasks: created, found again, looked at, ended. The only place where slots are taken and freed.

It knows no HTTP and no vendor; the time is always handed in (seconds since 1970).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator

from batchvid.emulator.ledger import Ledger
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import ENDLESS, Phase, View, has_ended, view
from batchvid.emulator.task_log import Journal, Removed


class Store:
    """All tasks, and who holds a slot. With `tick_s` a timed task is seen as it was at the last tick."""

    def __init__(self, ledger: Ledger, journal: Journal, *, tick_s: float = 0) -> None:
        self._ledger = ledger
        self._journal = journal
        self._tick_s = tick_s
        self._tasks: dict[str, Task] = {}
        self._by_external: dict[tuple[str, str, str], Task] = {}
        self._copies: dict[tuple[str, str], int] = {}
        self._ends: list[tuple[float, str]] = []
        self._running: dict[str, int] = {}
        self._waiting: dict[str, deque[Task]] = {}

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks.values())

    def copies(self, family: str, prompt: str) -> int:
        """How many tasks this family has made of this prompt."""
        return self._copies.get((family, prompt), 0)

    def get(self, task_id: str, family: str, owner: str) -> Task | None:
        """The task of that id, if this key made it in this family."""
        task = self._tasks.get(task_id)
        known = task is not None and task.family == family and task.owner == owner and not task.removed
        return task if known else None

    def any(self, task_id: str) -> Task | None:
        """The task of that id, whoever made it."""
        task = self._tasks.get(task_id)
        return None if task is not None and task.removed else task

    def by_external(self, external_task_id: str, family: str, owner: str) -> Task | None:
        """The task that this key made under an id of its own."""
        return self._by_external.get((family, owner, external_task_id))

    def is_full(self, family: str, limit: int, now: float) -> bool:
        """Whether all slots of the family are taken; a limit of 0 is none."""
        self.settle(now)
        return limit > 0 and self._running.get(family, 0) >= limit

    def create(self, task: Task, *, limit: int) -> None:
        """Take the task in: written down first, then started, or made to wait while the family is full."""
        self._journal.created(task)
        self.admit(task, limit=limit)

    def admit(self, task: Task, *, limit: int) -> None:
        """Take in a task that is already written down."""
        full = self.is_full(task.family, limit, task.created_at)
        self._tasks[task.id] = task
        if task.external_task_id:
            self._by_external[task.family, task.owner, task.external_task_id] = task
        self._copies[task.family, task.prompt] = self.copies(task.family, task.prompt) + 1
        self._ledger.created(task.family, task.route)
        if full:
            self._waiting.setdefault(task.family, deque()).append(task)
        else:
            self._start(task, task.created_at)

    def settle(self, now: float) -> None:
        """End every task whose time has come, in the order of their ends, and give their slots on."""
        while self._ends and self._ends[0][0] <= now:
            ends_at, task_id = heapq.heappop(self._ends)
            if not self._tasks[task_id].removed:
                self._end(self._tasks[task_id], ends_at)

    def look(self, task: Task, now: float) -> View:
        """What the task shows now. Counts as a look, and may be the one that ends it."""
        self.settle(now)
        if task.started_at is None:
            return View(Phase.THROTTLED, 0)
        if task.ended_at is None:
            task.looks += 1
            if task.life.looks and has_ended(task.life, task.outcome, age_s=0, looks=task.looks):
                self.end(task, now)
        return self.peek(task, now)

    def peek(self, task: Task, now: float) -> View:
        """What the task shows now, without counting as a look."""
        self.settle(now)
        if task.removed:
            return View(Phase.CANCELLED, 0)
        if task.started_at is None:
            return View(Phase.THROTTLED, 0)
        if task.ended_at is not None and task.life.looks:
            return view(task.life, task.outcome, age_s=0, looks=task.life.looks)
        seen_at = now - now % self._tick_s if self._tick_s else now
        return view(task.life, task.outcome, age_s=max(0.0, seen_at - task.started_at), looks=task.looks)

    def end(self, task: Task, at: float) -> None:
        """End a task that ends by being looked at; written down, since no clock could tell it again."""
        self._journal.ended(task.id, at)
        self._end(task, at)

    def remove(self, task: Task, at: float) -> None:
        """Cancel a task that goes on, or delete one that ended; nobody finds it any more."""
        self.settle(at)
        self._journal.removed(task.id, at)
        self._remove(task, at)

    def restore(self, limit_of: Callable[[str], int]) -> None:
        """Read back what the journal knows, as it happened."""
        for entry in self._journal.read():
            if isinstance(entry, Task):
                entry.restored = True
                self.admit(entry, limit=limit_of(entry.family))
            elif isinstance(entry, Removed):
                self.settle(entry.at)
                self._remove(self._tasks[entry.task_id], entry.at)
            else:
                self._end(self._tasks[entry.task_id], entry.at)

    def clear(self) -> None:
        """Forget every task; what was in flight is over."""
        for task in self._tasks.values():
            if task.ended_at is None:
                self._ledger.ended(task.family, task.route)
        for table in (self._tasks, self._by_external, self._copies, self._ends, self._running, self._waiting):
            table.clear()
        self._journal.clear()

    def _start(self, task: Task, at: float) -> None:
        task.started_at = at
        self._running[task.family] = self._running.get(task.family, 0) + 1
        if not task.life.looks and task.outcome not in ENDLESS:
            heapq.heappush(self._ends, (at + task.life.seconds, task.id))

    def _remove(self, task: Task, at: float) -> None:
        task.removed = True
        if task.started_at is None:  # it never had a slot
            self._waiting[task.family].remove(task)
            self._ledger.ended(task.family, task.route)
        elif task.ended_at is None:
            self._end(task, at)

    def _end(self, task: Task, at: float) -> None:
        task.ended_at = at
        self._ledger.ended(task.family, task.route)
        waiting = self._waiting.get(task.family)
        self._running[task.family] -= 1
        if waiting:
            self._start(waiting.popleft(), at)
