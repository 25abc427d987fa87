"""Who is next at one provider: fair between clip entries. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

Line = tuple[str, str]
"""A clip entry and a model: jobs of one line are alike to the limits and stand in order."""


class FairQueue:
    """Jobs waiting to be bought at one provider, served round-robin over their lines."""

    def __init__(self) -> None:
        self._lines: OrderedDict[Line, deque[str]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def models(self) -> set[str]:
        """The models that are waited for."""
        return {model for _, model in self._lines}

    def push(self, job_id: str, entry: str, model: str) -> None:
        """Put a job at the end of its line."""
        self._lines.setdefault((entry, model), deque()).append(job_id)
        self._size += 1

    def drain(self, model: str) -> list[str]:
        """Take all jobs of a model out."""
        lines = [line for line in self._lines if line[1] == model]
        taken = [job_id for line in lines for job_id in self._lines.pop(line)]
        self._size -= len(taken)
        return taken

    def pop(self, allows: Callable[[str], bool]) -> str | None:
        """The next job whose model is allowed, or None. Its line goes to the back."""
        for line, jobs in self._lines.items():
            if not allows(line[1]):
                continue
            job_id = jobs.popleft()
            self._size -= 1
            if jobs:
                self._lines.move_to_end(line)
            else:
                del self._lines[line]
            return job_id
        return None
