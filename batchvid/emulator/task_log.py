"""The emulator's memory on disk: one JSON line a created task, one an ended one. It must not know what they mean.

A task is written before its reply is sent: whoever got a task id finds it again after a restart.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson
from pydantic import TypeAdapter

from batchvid.emulator.task import Task

_TASKS = TypeAdapter(Task)


@dataclass(frozen=True, slots=True)
class Ended:
    """A task's end that no clock could tell again."""

    task_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Removed:
    """A task that its buyer cancelled or deleted."""

    task_id: str
    at: float


class Journal:
    """A file of lines, or nothing at all when `path` is None. `secret` signs links and outlives a restart."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self.secret = secrets.token_bytes(16)
        if path is not None:
            self._open(path)

    def created(self, task: Task) -> None:
        """Write down a task that is about to be told to its buyer."""
        if self._file is not None:
            self._write({"task": task})

    def ended(self, task_id: str, at: float) -> None:
        """Write down the end of a task that ends by being looked at."""
        if self._file is not None:
            self._write({"ended": task_id, "at": at})

    def removed(self, task_id: str, at: float) -> None:
        """Write down that a task was cancelled or deleted."""
        if self._file is not None:
            self._write({"removed": task_id, "at": at})

    def read(self) -> Iterator[Task | Ended | Removed]:
        """What happened, in its order; tasks as they were when they were created."""
        if self._path is None:
            return
        for raw in self._path.read_bytes().splitlines():
            line = orjson.loads(raw)
            if "task" in line:
                yield _TASKS.validate_python(line["task"])
            elif "ended" in line:
                yield Ended(line["ended"], line["at"])
            elif "removed" in line:
                yield Removed(line["removed"], line["at"])

    def clear(self) -> None:
        """Forget all that was written, but for the secret."""
        if self._file is not None:
            self._file.truncate(0)
            self._write({"secret": self.secret.hex()})

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        known = path.read_bytes() if path.exists() else b""
        whole = known[: known.rfind(b"\n") + 1]
        self._file = path.open("ab", buffering=0)
        self._file.truncate(len(whole))  # a line cut short by a kill: its reply was never sent
        if whole:
            self.secret = bytes.fromhex(orjson.loads(whole.splitlines()[0])["secret"])
        else:
            self._write({"secret": self.secret.hex()})

    def _write(self, line: dict[str, Any]) -> None:
        assert self._file is not None  # noqa: S101 - every caller asked before
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
