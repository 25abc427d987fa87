"""Cancels jobs: pending jobs are not bought, running tasks are cancelled or no longer polled.

A finished clip that could not be fetched is given up only if its job is named; uncertain jobs are for `resolve`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from batchvid import report
from batchvid.commands import known_providers
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job, JobState
from batchvid.errors import StateError, StateLocked, UsageError
from batchvid.net.credentials import Credentials
from batchvid.paths import BatchPaths
from batchvid.runner import utc_now
from batchvid.runner.polling.task_cancellation import cancel_tasks
from batchvid.selection import matches
from batchvid.state.readers import read_attempts, read_meta
from batchvid.state.state_file import StateFile, record_offline

NOT_BOUGHT = "cancelled before it was bought; retry --kind cancelled buys it"
GIVEN_UP = (
    "given up: its clip is paid for and was not fetched. retry --kind cancelled asks for it again; "
    "retry --kind cancelled --new-task buys another"
)
UNCHANGED = {
    JobState.SUBMITTING: "is unchanged: its paid call got no answer; the next run shows it as uncertain",
    JobState.READY: "is unchanged: it is finished and paid for, the next run fetches it; name the job to give it up",
    JobState.UNCERTAIN: "is unchanged: it may be paid for; resolve it with batchvid resolve",
    JobState.SUCCEEDED: "is unchanged: its clip is stored",
    JobState.FAILED: "is unchanged: it has already failed",
}
"""The message for a job that cannot be cancelled, by its state."""
FINISHED = frozenset({JobState.SUCCEEDED, JobState.FAILED})  # reported only for jobs that are named


@dataclass(slots=True)
class Cancelled:
    """The result: ids of jobs that were not bought, and a message for each other job, by id."""

    not_bought: list[str] = field(default_factory=list)
    messages: dict[str, str] = field(default_factory=dict)


def cancel(folder: Path, *, names: Sequence[str] = (), only: Sequence[str] = ()) -> Cancelled:
    """Cancel jobs of a batch that is not running: those named, those that fit a pattern, or all open jobs.

    Raises StateLocked during a run, UsageError for a name or pattern that fits nothing or for a missing key that is
    needed; then nothing was changed.
    """
    paths = BatchPaths(folder)
    if not paths.state.exists():
        raise StateError(f"{paths.state}: there is no state file here yet")
    try:
        state = StateFile(paths.state)
    except StateLocked as exc:
        raise StateLocked(f"{exc} Stop it first: Ctrl-C submits nothing more, then cancel what is left") from None
    with state:
        jobs = state.jobs()
        chosen = _chosen(jobs, names, only)
        try:
            return asyncio.run(_cancel(state, jobs, chosen, frozenset(names)))
        finally:
            report.write_report(paths.report, state.jobs().values())
            report.write_ledger(paths.ledger, read_attempts(paths.state))


async def _cancel(state: StateFile, jobs: Mapping[str, Job], chosen: Sequence[Job], names: frozenset[str]) -> Cancelled:
    result = Cancelled()
    meta = read_meta(state.path)
    keys = Credentials(Path(meta["manifest"]).parent if "manifest" in meta else None)
    running = [job for job in chosen if job.state is JobState.RUNNING]
    # the tasks first: a missing key is reported before anything is changed
    async for job, event, message in cancel_tasks(running, known_providers(meta), keys):
        jobs = record_offline(state, jobs, [(job.id, event)] if event else [])
        result.messages[job.id] = message
    result.not_bought = [job.id for job in chosen if job.state is JobState.PENDING]
    event = ev.GaveUp(at=utc_now(), kind=FailureKind.CANCELLED, message=NOT_BOUGHT)
    jobs = record_offline(state, jobs, [(job_id, event) for job_id in result.not_bought])
    for job in chosen:
        if job.state is JobState.READY and job.id in names:
            given_up = ev.GaveUp(at=utc_now(), kind=FailureKind.CANCELLED, message=GIVEN_UP)
            jobs = record_offline(state, jobs, [(job.id, given_up)])
            result.messages[job.id] = GIVEN_UP
        elif job.state in UNCHANGED and (names or job.state not in FINISHED):
            result.messages[job.id] = UNCHANGED[job.state]
    return result


def _chosen(jobs: Mapping[str, Job], names: Sequence[str], only: Sequence[str]) -> list[Job]:
    if not names and not only:
        return list(jobs.values())
    chosen: dict[str, None] = {}
    for name in names:
        if name not in jobs:
            raise UsageError(f"there is no job {name!r} in this batch; batchvid report lists them")
        chosen[name] = None
    for pattern in only:
        selected = [job.id for job in jobs.values() if matches(pattern, job.id, job.spec.tags)]
        if not selected:
            raise UsageError(f"--only {pattern}: no job of this batch fits")
        chosen |= dict.fromkeys(selected)
    return [job for job in jobs.values() if job.id in chosen]
