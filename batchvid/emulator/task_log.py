"""The state file: one JSON line per task, written before its id is sent, and per end that no clock can repeat."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal, get_args

import orjson
from pydantic import TypeAdapter

from batchvid.emulator.task import Task

_TASKS = TypeAdapter(Task)

TaskEnd = Literal["ended", "removed", "cancelled"]  # ended by a poll; cancelled or deleted by its buyer; still visible


class TaskLog:
    """A file of lines, or nothing when `path` is None. `secret` signs links and survives a restart."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self.secret = secrets.token_bytes(16)
        if path is not None:
            self._open(path)

    def write(self, line: dict[str, Any]) -> None:
        """Write one line: `task` (before its buyer gets its id), or one of TaskEnd with its id, and `at`."""
        if self._file is not None:
            self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def read(self) -> Iterator[Task | tuple[TaskEnd, str, float]]:
        """The lines in their order; tasks as they were when they were created."""
        ends: tuple[TaskEnd, ...] = get_args(TaskEnd)
        for line in map(orjson.loads, self._path.read_bytes().splitlines() if self._path else ()):
            if "task" in line:
                yield _TASKS.validate_python(_with_new_names(line["task"]))
            for how in ends:
                if how in line:
                    yield how, line[how], line["at"]

    def clear(self) -> None:
        """Delete everything but the secret."""
        if self._file is not None:
            self._file.truncate(0)
            self.write({"secret": self.secret.hex()})

    def close(self) -> None:
        """Close the file."""
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
            self.write({"secret": self.secret.hex()})


def _with_new_names(task: dict[str, Any]) -> dict[str, Any]:
    """A task as version 0.1 wrote it (`life`, `looks`), under today's names."""
    if "life" in task:
        old = task.pop("life")
        task["duration"] = {"polls": old["looks"], "seconds": old["seconds"]}
        task["visible_polls"] = task.pop("looks", 0)
    return task
