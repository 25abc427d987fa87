"""Who is next at one provider: fair between clip entries. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable

Line = tuple[str, str]
"""A clip entry and a model: jobs of one line are alike to the limits and stand in order."""


class FairQueue:
    """Jobs waiting to be bought at one provider, served round-robin over their lines.

    Every job gets a turn when it is pushed: one after the last of its own line, never one that is over. A heap a
    model then holds no more than an entry a job, and a full model costs nothing to pass over.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[int, int, str]]] = {}  # model: (turn, pushed as, job id)
        self._turns: dict[Line, int] = {}  # the last turn given to each line
        self._turn = 0
        self._pushed = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def models(self) -> set[str]:
        """The models that are waited for."""
        return set(self._waiting)

    def push(self, job_id: str, entry: str, model: str) -> None:
        """Put a job at the end of its line."""
        turn = max(self._turn, self._turns.get((entry, model), -1) + 1)
        self._turns[entry, model] = turn
        heapq.heappush(self._waiting.setdefault(model, []), (turn, self._pushed, job_id))
        self._pushed += 1
        self._size += 1

    def pop(self, allows: Callable[[str], bool]) -> str | None:
        """The next job whose model is allowed, or None."""
        first = min(((jobs[0], model) for model, jobs in self._waiting.items() if allows(model)), default=None)
        if first is None:
            return None
        (turn, _, job_id), model = first
        heapq.heappop(self._waiting[model])
        if not self._waiting[model]:
            del self._waiting[model]
        self._turn = max(self._turn, turn)
        self._size -= 1
        if not self._size:
            self._turns.clear()
        return job_id
