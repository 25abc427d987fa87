"""The queue of one provider: fair between clip entries, models with long tasks early. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Set

LONGER_RATIO = 1.5  # a model goes first if its tasks take so much longer than the shortest
FAIR_EVERY = 4  # every fourth job is the next in turn, whatever its duration: no line starves

Line = tuple[str, str]
"""A clip entry and a model: the limits treat jobs of one line alike, and they keep their order."""


class FairQueue:
    """Jobs that wait to be bought at one provider, served round-robin over the lines of an entry and a model.

    A pushed job gets a turn: one after the last of its line, never a past one. So a model's heap holds one entry per
    job, and skipping a full model costs nothing.

    If one model's tasks take much longer than another's, they go first three times out of four. Started last, they
    alone would keep the run waiting at its end.
    """

    def __init__(self) -> None:
        self._models: dict[str, list[tuple[int, int, str, str]]] = {}  # model: (turn, serial number, job id, entry)
        self._turns: dict[Line, int] = {}  # the last turn of each line
        self._turn = 0
        self._size = 0
        self._pushed = 0
        self._popped = 0

    def __len__(self) -> int:
        return self._size

    @property
    def models(self) -> set[str]:
        """The models with waiting jobs."""
        return set(self._models)

    @property
    def lines(self) -> set[Line]:
        """The lines with waiting jobs. Looks at every job."""
        return {(entry, model) for model, heap in self._models.items() for _, _, _, entry in heap}

    def push(self, job_id: str, entry: str, model: str) -> None:
        """Append a job to its line."""
        turn = max(self._turn, self._turns.get((entry, model), -1) + 1)
        self._turns[entry, model] = turn
        heapq.heappush(self._models.setdefault(model, []), (turn, self._pushed, job_id, entry))
        self._pushed += 1
        self._size += 1

    def drain(self, model: str) -> list[str]:
        """Remove and return all jobs of a model."""
        removed = [job_id for _, _, job_id, _ in sorted(self._models.pop(model, []))]
        self._size -= len(removed)
        return removed

    def pop(
        self, allows: Callable[[str], bool], expected_duration_s: Callable[[str], float | None] = lambda _model: None
    ) -> str | None:
        """Remove and return the next job whose model is allowed, or None.

        `expected_duration_s` gives the expected duration of a model's tasks in seconds, None if it is not known.
        """
        allowed = [model for model in self._models if allows(model)]
        if not allowed:
            return None
        model = self._longest_model(allowed, expected_duration_s) or min(allowed, key=lambda one: self._models[one][0])
        turn, _, job_id, _ = heapq.heappop(self._models[model])
        self._turn = max(self._turn, turn)
        self._on_popped(model)
        return job_id

    def pop_other(self, allows: Callable[[str], bool], lines: Set[Line]) -> str | None:
        """Remove and return the next allowed job that is in none of these lines, or None. Looks at every job."""
        others = [
            (model, waiting)
            for model, heap in self._models.items()
            if allows(model)
            for waiting in heap
            if (waiting[3], model) not in lines
        ]
        if not others:
            return None
        model, waiting = min(others, key=lambda one: one[1])
        self._models[model].remove(waiting)
        heapq.heapify(self._models[model])
        self._on_popped(model)
        return waiting[2]

    def _on_popped(self, model: str) -> None:
        if not self._models[model]:
            del self._models[model]
        self._size -= 1
        self._popped += 1
        if not self._size:
            self._turns.clear()

    def _longest_model(self, allowed: list[str], expected_duration_s: Callable[[str], float | None]) -> str | None:
        """The model that goes first because of its duration, None if turns decide."""
        if len(allowed) == 1 or self._popped % FAIR_EVERY == 0:
            return None
        known = {model: seconds for model in allowed if (seconds := expected_duration_s(model)) is not None}
        if len(known) < len(allowed) or max(known.values()) < LONGER_RATIO * min(known.values()):
            return None
        return max(known, key=known.__getitem__)
