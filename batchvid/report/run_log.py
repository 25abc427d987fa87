"""`run.log`: one JSON line an event, for scripts and for whoever asks later what happened when."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from batchvid.domain import events as ev
from batchvid.domain.jobs import Job

TAIL_BYTES = 1024 * 1024  # some thousand lines: what may lie between the last paid call and the end
GATHER_BYTES = 64 * 1024  # a write for every line costs more than all else about it
LEFT_OUT = frozenset({"at", "spec", "provider", "assets", "task_id"})
"""Told beside the event, or worth money to whoever reads it, as a signed link is."""
TOLD = {kind: [field.name for field in fields(kind) if field.name not in LEFT_OUT] for kind in ev.KINDS.values()}
"""What a line tells of an event beside the job."""


class RunLog:
    """Appends to the file; hears every event but mere progress. Lines gather until `tick`, a paid call or a notice."""

    def __init__(self, path: Path, **bound: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=GATHER_BYTES)
        self._bound = bound

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """Write an event down; `took_s` is how long the step took that it ended."""
        if isinstance(event, ev.Progressed):
            return
        said = {
            "job": after.id,
            "provider": after.spec.provider,
            "attempt": after.attempts,
            "task_id": after.task_id or None,
            "state": after.state,
            "took_s": _took_s(event, before),
        }
        self._write(type(event).__name__, said | {name: getattr(event, name) for name in TOLD[type(event)]})
        if isinstance(event, ev.SubmitStarted):  # `last_attempt` must find every paid call, however the run ends
            self._file.flush()

    def notice(self, text: str) -> None:
        """Write a notice down, at once: it may be the last that can be said."""
        self._write("Notice", {"text": text})
        self._file.flush()

    def tick(self) -> None:
        """Write out what has gathered."""
        self._file.flush()

    def close(self) -> None:
        """Write out what has gathered and let go of the file."""
        self._file.close()

    def _write(self, name: str, said: dict[str, Any]) -> None:
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self._file.write(orjson.dumps({**self._bound, **said, "event": name, "at": at}, default=str) + b"\n")


def _took_s(event: ev.Event, before: Job | None) -> float | None:
    """Seconds since the step before: the paid call, the vendor's work, the download; None where nothing was begun."""
    begun = before and (before.finished_at or before.accepted_at or before.submitted_at)
    if not begun or isinstance(event, ev.Planned | ev.SubmitStarted | ev.Reopened):
        return None
    return round((event.at - begun).total_seconds(), 3)


def last_attempt(path: Path) -> tuple[str, int] | None:
    """The job and the number of the last paid call that the log tells of; None for none, or none in its last part."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        try:
            said = orjson.loads(line)
            if said["event"] == ev.SubmitStarted.__name__:
                return str(said["job"]), int(said["attempt"])
        except (ValueError, KeyError, TypeError):  # a line that was cut, by a kill or by our own seek
            continue
    return None
