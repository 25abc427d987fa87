"""`run.log`: one JSON line per event, for scripts and for later questions."""

from __future__ import annotations

import contextlib
import os
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from batchvid.domain import events as ev
from batchvid.domain.jobs import Job
from batchvid.redaction import hide_all, may_hold_secrets

BUFFER_BYTES = 64 * 1024  # a write per line would cost more than everything else
OMITTED_FIELDS = frozenset({"at", "spec", "provider", "assets", "task_id"})
"""Logged beside the event, or secret, such as a signed link."""
LOGGED_FIELDS = {
    kind: [field.name for field in fields(kind) if field.name not in OMITTED_FIELDS] for kind in ev.KINDS.values()
}
"""The fields of each kind of event that a line holds."""


class RunLog:
    """Appends every event except progress to the file. Lines are buffered until `tick`, a paid call or a notice."""

    def __init__(self, path: Path, **bound: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=BUFFER_BYTES)
        self._bound = bound

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """Log an event; `took_s` is the duration of the step that it ended."""
        if isinstance(event, ev.Progressed):
            return
        values = {
            "job": after.id,
            "provider": after.spec.provider,
            "attempt": after.attempts,
            "task_id": after.task_id or None,
            "state": after.state,
            "took_s": _took_s(event, before),
        }
        self._write_event(event, values)
        if isinstance(event, ev.SubmitStarted):  # rollback_guard.py needs every paid call, however the run ends
            self._file.flush()

    def write_unrecorded(self, event: ev.Event, job: Job) -> None:
        """Log an event that the state file does not hold, with `recorded: false`, durably if possible.

        The next run adopts the task id of an accepted paid call from this line.
        """
        values = {"job": job.id, "provider": job.spec.provider, "attempt": job.attempts, "task_id": job.task_id or None}
        self._write_event(event, values | {"recorded": False})
        self._file.flush()
        with contextlib.suppress(OSError):
            os.fsync(self._file.fileno())

    def notice(self, text: str) -> None:
        """Log a notice and flush: it may be the last line."""
        self._write("Notice", {"text": text})
        self._file.flush()

    def tick(self) -> None:
        """Write the buffered lines."""
        self._file.flush()

    def close(self) -> None:
        """Write the buffered lines and close the file."""
        self._file.close()

    def _write_event(self, event: ev.Event, values: dict[str, Any]) -> None:
        self._write(type(event).__name__, values | {name: getattr(event, name) for name in LOGGED_FIELDS[type(event)]})

    def _write(self, name: str, values: dict[str, Any]) -> None:
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        line = orjson.dumps({**self._bound, **values, "event": name, "at": at}, default=str)
        if may_hold_secrets(line.decode()):
            line = orjson.dumps(hide_all(orjson.loads(line)))
        self._file.write(line + b"\n")


def _took_s(event: ev.Event, before: Job | None) -> float | None:
    """Seconds since the previous step (paid call, vendor's work, download); None if there is none."""
    begun = before and (before.finished_at or before.accepted_at or before.submitted_at)
    if not begun or isinstance(event, ev.Planned | ev.SubmitStarted | ev.Reopened):
        return None
    return round((event.at - begun).total_seconds(), 3)
