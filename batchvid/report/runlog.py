"""`run.log`: one JSON line an event, for scripts and for whoever asks later what happened when."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson
import structlog

from batchvid import events as ev
from batchvid.jobs import Job

TAIL_BYTES = 1024 * 1024  # some thousand lines: what may lie between the last paid call and the end
LEFT_OUT = frozenset({"at", "spec", "provider", "assets"})
"""Told beside the event, or worth money to whoever reads it, as a signed link is."""


class RunLog:
    """Appends to the file; hears every event but mere progress."""

    def __init__(self, path: Path, **bound: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self._log = structlog.wrap_logger(
            structlog.BytesLogger(self._file),
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
                structlog.processors.JSONRenderer(serializer=_dumps),
            ],
        ).bind(**bound)

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """Write an event down; `took_s` is how long the step took that it ended."""
        if isinstance(event, ev.Progressed):
            return
        said = {f.name: getattr(event, f.name) for f in fields(event) if f.name not in LEFT_OUT}
        self._log.info(
            type(event).__name__,
            job=after.id,
            provider=after.spec.provider,
            attempt=after.attempts,
            task_id=after.task_id or None,
            state=after.state,
            took_s=_took_s(event, before),
            **{name: value for name, value in said.items() if name != "task_id"},
        )

    def notice(self, text: str) -> None:
        """Write a notice down."""
        self._log.info("Notice", text=text)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


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


def _dumps(value: Any, **_: object) -> bytes:
    return orjson.dumps(value, default=str)
