"""Uncertain jobs as a list for the search in the vendor's console: when, what, with which ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from batchvid.domain.jobs import Job
from batchvid.domain.wire import Candidate
from batchvid.report.csv_table import format_table

MAX_PROMPT_CHARS = 80  # enough to recognize it in a console's list

UNCERTAIN_COLUMNS: dict[str, Callable[[Job], str]] = {
    "sent_at": lambda job: f"{job.submitted_at:%Y-%m-%dT%H:%M:%SZ}" if job.submitted_at else "",
    "job": lambda job: job.id,
    "provider": lambda job: job.spec.provider,
    "model": lambda job: job.model_sent or job.spec.request.model,
    "prompt": lambda job: job.spec.request.prompt[:MAX_PROMPT_CHARS],
    "price_usd": lambda job: "unknown" if job.price.usd is None else f"{job.price.usd:f}",
    "external_id": lambda job: job.external_id,
    "request_id": lambda job: job.request_id,
    "message": lambda job: job.message,
    "looked_up": lambda job: job.looked_up,
    "candidates": lambda job: "; ".join(map(describe_candidate, job.candidates)),
}
"""Every column, in order, and how it is read from an uncertain job."""


def describe_candidate(task: Candidate) -> str:
    """A task that a lookup read: `t-9 (sora-2, created 2026-03-01T20:00:02Z): a paper kite`."""
    created = f"created {task.created_at:%Y-%m-%dT%H:%M:%SZ}" if task.created_at else ""
    details = ", ".join(filter(None, (task.model, created)))
    return f"{task.task_id}{f' ({details})' if details else ''}{f': {task.prompt}' if task.prompt else ''}"


def uncertain_csv(jobs: Iterable[Job]) -> str:
    """The list as CSV text."""
    return format_table(UNCERTAIN_COLUMNS, jobs)
