"""Who is next at one provider: fair between clip entries, long models early enough. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

LONGER = 1.5  # how much longer than the shortest a model's tasks must take to be put first
FAIR_TURN = 4  # every so many-th job is the next in turn, however long it takes: nobody starves


@dataclass(slots=True)
class _Line:
    """The jobs of one clip entry and one model, alike to the limits; `served` is when it last had its turn."""

    served: int
    jobs: deque[str] = field(default_factory=deque)


class FairQueue:
    """Jobs waiting to be bought at one provider, served round-robin over the lines of an entry and a model.

    Where one model's tasks take much longer than another's they go first, three times out of four: begun last, they
    alone would be awaited at the end of the night.
    """

    def __init__(self) -> None:
        self._models: dict[str, OrderedDict[str, _Line]] = {}  # lines by entry, the one served longest ago first
        self._size = 0
        self._turn = 0
        self._popped = 0

    def __len__(self) -> int:
        return self._size

    @property
    def models(self) -> set[str]:
        """The models that are waited for."""
        return set(self._models)

    def push(self, job_id: str, entry: str, model: str) -> None:
        """Put a job at the end of its line."""
        lines = self._models.setdefault(model, OrderedDict())
        line = lines.get(entry)
        if line is None:
            self._turn += 1
            line = lines[entry] = _Line(self._turn)
        line.jobs.append(job_id)
        self._size += 1

    def pop(
        self, allows: Callable[[str], bool], lasts_s: Callable[[str], float | None] = lambda _model: None
    ) -> str | None:
        """The next job whose model is allowed, or None. Its line goes to the back.

        `lasts_s` says how many seconds a model's tasks are expected to take, None where nobody knows.
        """
        allowed = [model for model in self._models if allows(model)]
        if not allowed:
            return None
        model = self._longest(allowed, lasts_s) or min(allowed, key=self._served)
        lines = self._models[model]
        entry, line = next(iter(lines.items()))
        job_id = line.jobs.popleft()
        self._size -= 1
        self._popped += 1
        self._turn += 1
        if line.jobs:
            line.served = self._turn
            lines.move_to_end(entry)
        else:
            del lines[entry]
            if not lines:
                del self._models[model]
        return job_id

    def _served(self, model: str) -> int:
        return next(iter(self._models[model].values())).served

    def _longest(self, allowed: list[str], lasts_s: Callable[[str], float | None]) -> str | None:
        """The model to put first, None where it is just the turn of the next in line."""
        if len(allowed) == 1 or self._popped % FAIR_TURN == 0:
            return None
        known = {model: seconds for model in allowed if (seconds := lasts_s(model)) is not None}
        if len(known) < len(allowed) or max(known.values()) < LONGER * min(known.values()):
            return None
        return max(known, key=known.__getitem__)
