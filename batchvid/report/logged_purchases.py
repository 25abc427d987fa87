"""What `run.log` proves about paid calls. It is read whole, line by line: it may be larger than the memory."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from batchvid.domain.events import SubmitAccepted, SubmitStarted


class LoggedTask(NamedTuple):
    """A task that the log names: which paid call of which job created it, and the model in the vendor's reply.

    `rehearsal`: the reply was the emulator's.
    """

    job_id: str
    attempt: int
    task_id: str
    model: str
    rehearsal: bool = False


def logged_attempts(path: Path) -> dict[str, int]:
    """The number of the last recorded paid call of each job."""
    attempts: dict[str, int] = {}
    for entry in _entries(path, SubmitStarted.__name__):
        if entry.get("recorded", True):  # an intent that was not recorded was not sent
            job_id, attempt = str(entry["job"]), int(entry["attempt"])
            attempts[job_id] = max(attempt, attempts.get(job_id, 0))
    return attempts


def logged_tasks(path: Path, job_ids: Container[str]) -> list[LoggedTask]:
    """The tasks of these jobs, also those that could not be recorded in the state file."""
    return [
        LoggedTask(
            str(entry["job"]),
            int(entry["attempt"]),
            str(entry["task_id"]),
            str(entry.get("model") or ""),
            rehearsal=entry.get("rehearsal") is True,
        )
        for entry in _entries(path, SubmitAccepted.__name__)
        if entry["job"] in job_ids and entry.get("task_id")
    ]


def _entries(path: Path, event: str) -> Iterator[dict[str, Any]]:
    """The log's entries of one kind. A line that a kill cut off, or that is none of ours, is skipped."""
    mark = f'"{event}"'.encode()
    try:
        with path.open("rb") as file:
            for line in file:
                if mark not in line:  # parsing every line would cost ten times as much
                    continue
                try:
                    entry = orjson.loads(line)
                    if entry["event"] == event and isinstance(entry["job"], str) and isinstance(entry["attempt"], int):
                        yield entry
                except (ValueError, KeyError, TypeError):
                    continue
    except OSError:
        return
