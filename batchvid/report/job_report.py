"""The CSV report: one row per job; its id, row and input columns join it with a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from batchvid.domain.job_spec import Clip
from batchvid.domain.jobs import Job, JobState
from batchvid.redaction import strip_queries
from batchvid.report.csv_table import format_table, number, time, write_table

UNITS = {"credits": "credits", "final_unit_deduction": "units", "total_tokens": "tokens"}
"""What vendors charge in, by the word that their replies have for it (`wire.Status.vendor_metadata`)."""

COLUMNS: dict[str, Callable[[Job], object]] = {
    "id": lambda job: job.id,
    "entry": lambda job: job.spec.entry,
    "take": lambda job: job.spec.take,
    "tags": lambda job: " ".join(job.spec.tags),
    "file": lambda job: job.spec.row.file if job.spec.row else "",
    "sheet": lambda job: job.spec.row.sheet if job.spec.row else "",
    "row": lambda job: job.spec.row.number if job.spec.row else "",
    "line": lambda job: job.spec.row.line or "" if job.spec.row else "",
    "provider": lambda job: job.spec.provider,
    "model": lambda job: job.spec.request.model,
    "model_asked": lambda job: job.spec.instead_of.model if job.spec.instead_of else "",
    "model_returned": lambda job: job.model_returned,
    "prompt": lambda job: job.spec.request.prompt,
    "parent": lambda job: job.spec.parent,
    "state": lambda job: job.state.value,
    "rehearsal": lambda job: "yes" if job.is_rehearsal or job.rehearsed_clip else "",
    "failure_kind": lambda job: job.kind.value if job.kind and job.state is JobState.FAILED else "",
    "message": lambda job: job.message,
    "charged": lambda job: job.charged.value if job.state is JobState.FAILED else "",
    "attempts": lambda job: job.attempts,
    "task_id": lambda job: job.task_id,
    "asked_s": lambda job: number(job.spec.request.duration_s),
    "clip_s": lambda job: number(job.clip.duration_s) if job.clip else "",
    "width": lambda job: job.clip.width if job.clip else "",
    "height": lambda job: job.clip.height if job.clip else "",
    "differs": lambda job: "; ".join(dict.fromkeys(clip.differs for clip in _clips(job) if clip.differs)),
    "price_usd": lambda job: _price(job) if job.attempts else "",
    "price_basis": lambda job: job.price.basis if job.attempts else "",
    "committed_usd": lambda job: _committed(job),
    "actual_usd": lambda job: job.actual_usd,
    "actual_units": lambda job: ", ".join(
        f"{job.vendor_metadata[name]} {unit}" for name, unit in UNITS.items() if name in job.vendor_metadata
    ),
    "planned_at": lambda job: time(job.planned_at),
    "submitted_at": lambda job: time(job.submitted_at),
    "accepted_at": lambda job: time(job.accepted_at),
    "finished_at": lambda job: time(job.finished_at),
    "stored_at": lambda job: time(job.stored_at),
    "path": lambda job: f"clips/{job.clip.key}" if job.clip else "",
    "more_paths": lambda job: "; ".join(f"clips/{clip.key}" for clip in job.more_clips),
    "bytes": lambda job: job.clip.size_bytes if job.clip else "",
    "sha256": lambda job: job.clip.sha256 if job.clip else "",
}
"""Every column, in order, and how it is read from a job. The manifest's variables follow `line` as `var.NAME`."""


def write_report(path: Path, jobs: Iterable[Job]) -> None:
    """Write `report.csv`, whole or not at all."""
    jobs = list(jobs)
    write_table(path, columns_of(jobs), uncertain_first(jobs))


def report_text(jobs: Sequence[Job]) -> str:
    """The report of these jobs as CSV text; uncertain jobs come first."""
    return format_table(columns_of(jobs), uncertain_first(jobs))


def uncertain_first(jobs: Sequence[Job]) -> list[Job]:
    """The jobs in the order of the report."""
    return sorted(jobs, key=lambda job: job.state is not JobState.UNCERTAIN)


def columns_of(jobs: Sequence[Job]) -> dict[str, Callable[[Job], object]]:
    """The columns of a report of these jobs, with one for each variable."""
    columns: dict[str, Callable[[Job], object]] = {}
    for name, read in COLUMNS.items():
        columns[name] = read
        if name == "line":
            columns |= _variable_columns(jobs)
    return columns


def _variable_columns(jobs: Iterable[Job]) -> dict[str, Callable[[Job], object]]:
    names = dict.fromkeys(name for job in jobs for name in job.spec.variables)
    return {f"var.{name}": partial(_variable, name=name) for name in names}


def _variable(job: Job, *, name: str) -> str:
    return strip_queries(job.spec.variables.get(name, ""))


def _clips(job: Job) -> tuple[Clip, ...]:
    """All clips that the job's task made."""
    return (job.clip, *job.more_clips) if job.clip else ()


def _price(job: Job) -> str:
    return "unknown" if job.price.usd is None else f"{job.price.usd:f}"


def _committed(job: Job) -> str:
    unknown = f" + {job.unpriced_attempts} x unknown" if job.unpriced_attempts else ""
    return f"{job.committed_usd:f}{unknown}"
