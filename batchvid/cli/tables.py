"""The status for people, and as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from batchvid.cli.console import console_for_people
from batchvid.domain.attempts import AttemptStatus, Sum
from batchvid.domain.jobs import IN_FLIGHT, Job, JobState
from batchvid.paths import quoted
from batchvid.report import ledger_line
from batchvid.report.uncertain_jobs import UNCERTAIN_COLUMNS

MAX_SHOWN_JOBS = 8  # of one action, without --all


def status_facts(jobs: Sequence[Job], holder: str, ledger: Mapping[AttemptStatus, Sum]) -> dict[str, Any]:
    """The status of the batch and the use of its money, as plain values."""
    counts = Counter(job.state for job in jobs)
    return {
        "running_as": holder,
        "jobs": len(jobs),
        "states": {state.value: counts[state] for state in JobState},
        "rehearsals": sum(job.is_rehearsal or job.rehearsed_clip for job in jobs),
        "in_flight": sum(counts[state] for state in IN_FLIGHT),
        "committed_usd": str(sum((job.committed_usd for job in jobs), Decimal(0))),
        "unpriced_attempts": sum(job.unpriced_attempts for job in jobs),
        "ledger": {
            status.value: {"attempts": total.attempts, "usd": str(total.usd), "unpriced": total.unpriced}
            for status, total in ledger.items()
        },
        "uncertain": [
            {name: read(job) for name, read in UNCERTAIN_COLUMNS.items()}
            for job in jobs
            if job.state is JobState.UNCERTAIN
        ],
        "failed": [
            {"job": job.id, "kind": job.kind, "message": job.message, "task_id": job.task_id}
            for job in jobs
            if job.state is JobState.FAILED
        ],
    }


def print_waiting(folder: Path, jobs: Sequence[Job]) -> None:
    """The uncertain jobs of a batch, with everything that identifies them in a vendor's console."""
    if not jobs:
        click.echo("no job is uncertain")
    for job in jobs:
        _print_one(folder, {name: read(job) for name, read in UNCERTAIN_COLUMNS.items()})


def _print_one(folder: Path, job: Mapping[str, str]) -> None:
    ids = (
        f"our id {job['external_id']}" if job["external_id"] else "",
        f"request id {job['request_id']}" if job["request_id"] else "",
    )
    lines = (
        f"uncertain: {job['job']} ({job['provider']} {job['model']}, sent {job['sent_at']}): {job['message']}",
        f"  prompt: {job['prompt']}",
        f"  {', '.join(filter(None, ids))}" if any(ids) else "",
        f"  {job['looked_up']}" if job["looked_up"] else "",
        f"  tasks there that no job owns: {job['candidates']}" if job["candidates"] else "",
        f"  resolve it: batchvid resolve {quoted(job['job'])} --batch {quoted(folder)} --task-id ID | --abandon",
    )
    console_for_people().print("\n".join(filter(None, lines)), markup=False, soft_wrap=True)


def print_status(folder: Path, facts: dict[str, Any], ledger: Mapping[AttemptStatus, Sum]) -> None:
    """The status of a batch. Uncertain jobs come first: they need a decision."""
    console = console_for_people()
    console.print(f"{folder}: {facts['jobs']} jobs; {facts['running_as'] or 'no run is active'}", markup=False)
    for job in facts["uncertain"]:
        _print_one(folder, job)
    if facts["states"]["submitting"] and not facts["running_as"]:
        console.print("the last run ended during paid calls: the next run shows those jobs as uncertain")
    states = ", ".join(f"{count} {state}" for state, count in facts["states"].items() if count)
    unknown = f" + {facts['unpriced_attempts']} of unknown price" if facts["unpriced_attempts"] else ""
    console.print(f"{states or 'nothing planned'}; ${Decimal(facts['committed_usd']):.2f} committed{unknown}")
    if facts["rehearsals"]:
        console.print(f"{facts['rehearsals']} of these jobs are a rehearsal: the emulator made what they have")
    if totals := ledger_line(ledger):
        console.print(f"of these: {totals}", markup=False)
    for job in facts["failed"][:MAX_SHOWN_JOBS]:
        console.print(f"failed: {job['job']} ({job['kind']}): {job['message']}", markup=False, soft_wrap=True)
    if len(facts["failed"]) > MAX_SHOWN_JOBS:
        console.print(f"... and {len(facts['failed']) - MAX_SHOWN_JOBS} more in the report")
