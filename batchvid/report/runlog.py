"""`run.log`: one JSON line an event, for scripts and for whoever asks later what happened when."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson
import structlog

from batchvid import events as ev
from batchvid.jobs import Job

LEFT_OUT = frozenset(
    {"at", "spec", "provider", "assets"}
)  # told beside it; a signed link is worth money to whoever reads it


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

    def __call__(self, event: ev.Event, _before: Job | None, after: Job) -> None:
        """Write an event down."""
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
            **{name: value for name, value in said.items() if name != "task_id"},
        )

    def notice(self, text: str) -> None:
        """Write a notice down."""
        self._log.info("Notice", text=text)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _dumps(value: Any, **_: object) -> bytes:
    return orjson.dumps(value, default=str)
