"""Who is next at one provider: fair between clip entries, long models early enough. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable

LONGER = 1.5  # how much longer than the shortest a model's tasks must take to be put first
FAIR_TURN = 4  # every so many-th job is the next in turn, however long it takes: nobody starves

Line = tuple[str, str]
"""A clip entry and a model: jobs of one line are alike to the limits and stand in order."""


class FairQueue:
    """Jobs waiting to be bought at one provider, served round-robin over the lines of an entry and a model.

    Every job gets a turn when it is pushed: one after the last of its own line, never one that is over. A model's
    heap then holds one entry a job, and a full model costs nothing to pass over.

    Where one model's tasks take much longer than another's they go first, three times out of four: begun last, they
    alone would be awaited at the end of the night.
    """

    def __init__(self) -> None:
        self._models: dict[str, list[tuple[int, int, str]]] = {}  # model: (turn, pushed as, job id)
        self._turns: dict[Line, int] = {}  # the last turn given to each line
        self._turn = 0
        self._size = 0
        self._pushed = 0
        self._popped = 0

    def __len__(self) -> int:
        return self._size

    @property
    def models(self) -> set[str]:
        """The models that are waited for."""
        return set(self._models)

    def push(self, job_id: str, entry: str, model: str) -> None:
        """Put a job at the end of its line."""
        turn = max(self._turn, self._turns.get((entry, model), -1) + 1)
        self._turns[entry, model] = turn
        heapq.heappush(self._models.setdefault(model, []), (turn, self._pushed, job_id))
        self._pushed += 1
        self._size += 1

    def drain(self, model: str) -> list[str]:
        """Take all jobs of a model out."""
        taken = [job_id for _, _, job_id in sorted(self._models.pop(model, []))]
        self._size -= len(taken)
        return taken

    def pop(
        self, allows: Callable[[str], bool], expected_duration_s: Callable[[str], float | None] = lambda _model: None
    ) -> str | None:
        """The next job whose model is allowed, or None.

        `expected_duration_s` says how many seconds a model's tasks are expected to take, None where nobody knows.
        """
        allowed = [model for model in self._models if allows(model)]
        if not allowed:
            return None
        model = self._longest(allowed, expected_duration_s) or min(allowed, key=lambda one: self._models[one][0])
        turn, _, job_id = heapq.heappop(self._models[model])
        if not self._models[model]:
            del self._models[model]
        self._turn = max(self._turn, turn)
        self._size -= 1
        self._popped += 1
        if not self._size:
            self._turns.clear()
        return job_id

    def _longest(self, allowed: list[str], expected_duration_s: Callable[[str], float | None]) -> str | None:
        """The model to put first, None where it is just the turn of the next in line."""
        if len(allowed) == 1 or self._popped % FAIR_TURN == 0:
            return None
        known = {model: seconds for model in allowed if (seconds := expected_duration_s(model)) is not None}
        if len(known) < len(allowed) or max(known.values()) < LONGER * min(known.values()):
            return None
        return max(known, key=known.__getitem__)
