"""What `batchvid cancel` does: jobs that wait are not bought, tasks that run are called off or let go.

Nothing that is paid for and finished is touched, and an uncertain job is for `resolve`.
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
LEFT = {
    JobState.SUBMITTING: "is left alone: its paid call got no answer; the next run shows it as uncertain",
    JobState.READY: "is left alone: it is finished and paid for, the next run fetches it",
    JobState.UNCERTAIN: "is left alone: it may be paid for; settle it with batchvid resolve",
    JobState.SUCCEEDED: "is left alone: its clip is stored",
    JobState.FAILED: "is left alone: it has failed already",
}
"""What is said of a job that cannot be cancelled, by its state."""
AT_REST = frozenset({JobState.SUCCEEDED, JobState.FAILED})  # told only of jobs that are named


@dataclass(slots=True)
class Cancelled:
    """How it went: `waiting` were never bought, `told` says of each other job, by its id, what became of it."""

    waiting: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)


def cancel(folder: Path, *, names: Sequence[str] = (), only: Sequence[str] = ()) -> Cancelled:
    """Cancel jobs of a batch that no run holds: those named, those that fit a pattern, or else all that are open.

    Raises StateLocked during a run, UsageError for a name or pattern that fits nothing, or when a key is missing
    that is needed to ask; then nothing was changed.
    """
    paths = BatchPaths(folder)
    if not paths.state.exists():
        raise StateError(f"{paths.state}: there is no state file here yet")
    try:
        state = StateFile(paths.state)
    except StateLocked as held:
        raise StateLocked(f"{held} Stop it first: Ctrl-C submits nothing more, then cancel what is left") from None
    with state:
        jobs = state.jobs()
        chosen = _chosen(jobs, names, only)
        try:
            return asyncio.run(_cancel(state, jobs, chosen, named=bool(names)))
        finally:
            report.write_report(paths.report, state.jobs().values())
            report.write_ledger(paths.ledger, read_attempts(paths.state))


async def _cancel(state: StateFile, jobs: Mapping[str, Job], chosen: Sequence[Job], *, named: bool) -> Cancelled:
    result = Cancelled()
    meta = read_meta(state.path)
    keys = Credentials(Path(meta["manifest"]).parent if "manifest" in meta else None)
    running = [job for job in chosen if job.state is JobState.RUNNING]
    # the tasks first: a missing key is told before anything is changed
    async for job, event, said in cancel_tasks(running, known_providers(meta), keys):
        jobs = record_offline(state, jobs, [(job.id, event)] if event else [])
        result.told[job.id] = said
    result.waiting = [job.id for job in chosen if job.state is JobState.PENDING]
    event = ev.GaveUp(at=utc_now(), kind=FailureKind.CANCELLED, message=NOT_BOUGHT)
    record_offline(state, jobs, [(job_id, event) for job_id in result.waiting])
    for job in chosen:
        if job.state in LEFT and (named or job.state not in AT_REST):
            result.told[job.id] = LEFT[job.state]
    return result


def _chosen(jobs: Mapping[str, Job], names: Sequence[str], only: Sequence[str]) -> list[Job]:
    if not names and not only:
        return list(jobs.values())
    picked: dict[str, None] = {}
    for name in names:
        if name not in jobs:
            raise UsageError(f"there is no job {name!r} in this batch; batchvid report lists them")
        picked[name] = None
    for pattern in only:
        fitting = [job.id for job in jobs.values() if matches(pattern, job.id, job.spec.tags)]
        if not fitting:
            raise UsageError(f"--only {pattern}: no job of this batch fits")
        picked |= dict.fromkeys(fitting)
    return [job for job in jobs.values() if job.id in picked]
