"""Standard `logging` for library users, under the name `batchvid`. Silent unless they configure a handler."""

from __future__ import annotations

import logging

from batchvid.domain import events as ev
from batchvid.domain.jobs import Job
from batchvid.redaction import hide_secrets, redact

logger = logging.getLogger("batchvid")
# here and not in batchvid/__init__.py: nothing else logs, and `batchvid --help` does not import logging
logger.addHandler(logging.NullHandler())

_TROUBLE = (ev.SubmitRefused, ev.SubmitLost, ev.TaskFailed, ev.LinkExpired, ev.GaveUp)


class EventLogger:
    """Logs every event except progress at INFO, trouble and notices at WARNING.

    A record has the attributes `event`, `job_id`, `provider`, `attempt`, `task_id` and `state`; a notice has none.
    """

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:  # noqa: ARG002 - an observer
        """Logs an event."""
        if isinstance(event, ev.Progressed):
            return
        level = logging.WARNING if _is_trouble(event) else logging.INFO
        if not logger.isEnabledFor(level):
            return
        fields = {
            "event": type(event).__name__,
            "job_id": after.id,
            "provider": after.spec.provider,
            "attempt": after.attempts,
            "task_id": hide_secrets(after.task_id),
            "state": str(after.state),
        }
        text = " ".join(f"{name}={value}" for name, value in fields.items() if value != "")
        logger.log(level, "%s%s", text, _reason(event), extra=fields)

    def notice(self, text: str) -> None:
        """Logs a line for people."""
        logger.warning("%s", redact(text))

    def tick(self) -> None:
        """Does nothing: a log needs no sign of life."""

    def close(self) -> None:
        """Does nothing: handlers belong to the application."""


def _is_trouble(event: ev.Event) -> bool:
    if isinstance(event, ev.LinkExpired):
        return event.dead
    return isinstance(event, _TROUBLE)


def _reason(event: ev.Event) -> str:
    kind, message = getattr(event, "kind", ""), getattr(event, "message", "")
    return (f" kind={kind}" if kind else "") + (f" message={redact(message)!r}" if message else "")
