"""What is said of jobs before a run begins: of those that a dead run left, of those planned anew. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from batchvid.commands import rollback_guard
from batchvid.commands.batch import CLIPS_NAME, LOG_NAME, Batch, UnexpandedBatch
from batchvid.domain import events as ev
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState, advance
from batchvid.manifest import Manifest
from batchvid.runner import RunRequest, utc_now
from batchvid.state.state_file import RecordedEvent, StateFile, record_offline


def check_not_stale(batch: UnexpandedBatch, jobs: Mapping[str, Job]) -> None:
    """Raise UsageError when `jobs`, all that the state file knows, are less than the batch's folder has seen."""
    rollback_guard.check_not_stale(
        jobs, state=batch.state_path, log=batch.folder / LOG_NAME, clips=batch.folder / CLIPS_NAME
    )


def recover_jobs(state: StateFile, *, buying: UnexpandedBatch | None = None) -> dict[str, Job]:
    """The jobs as they stand, after what must be said first of those left in the middle of a paid call."""
    jobs = state.jobs()
    if buying is not None:
        check_not_stale(buying, jobs)
    message = "the run ended between the paid call and its answer"
    lost = [job.id for job in jobs.values() if job.state is JobState.SUBMITTING]
    return record_offline(state, jobs, [(job_id, ev.SubmitLost(at=utc_now(), message=message)) for job_id in lost])


def plan_events(jobs: Mapping[str, Job], specs: Sequence[JobSpec], reason: str) -> list[tuple[str, ev.Event]]:
    """What to record so that each of these specs is pending as the manifest has it now."""
    events: list[tuple[str, ev.Event]] = []
    at = utc_now()
    for wanted in specs:
        job, spec = jobs.get(wanted.id), wanted
        if job is not None and job.state is JobState.PENDING and job.spec.fingerprint == spec.fingerprint:
            # a reroll that an earlier run had no time for; nearly all keep the seed that they have
            spec = spec if spec.seed == job.spec.seed else replace(spec, seed=job.spec.seed)
        if job is not None and job.state is not JobState.PENDING:
            events.append((spec.id, ev.Reopened(at=at, reason=reason)))
        if job is None or job.spec != spec:
            events.append((spec.id, ev.Planned(at=at, spec=spec)))
    return events


def may_rebuy(asked: Manifest, jobs: Mapping[str, Job]) -> Iterator[str]:
    """The jobs that may be bought once more by themselves: those that the manifest still asks for in the same way."""
    for placed in asked.jobs:
        job, spec = jobs.get(placed.spec.id), placed.spec
        if job is not None and spec.fingerprint == job.spec.fingerprint:
            used = len(spec.fallback) - len(job.spec.fallback)
            if spec.fallback[max(used, 0) :] == job.spec.fallback and spec.fallback_on == job.spec.fallback_on:
                yield job.id


def asked_of(batch: Batch, jobs: Mapping[str, Job], specs: Sequence[JobSpec], reason: str, *, buy: bool) -> RunRequest:
    """What the batch asks of a run that may pay for these specs. Without `buy` it pays for nothing, not even anew."""
    steps: dict[str, list[RecordedEvent]] = {}
    after = dict(jobs)
    for job_id, event in plan_events(jobs, specs, reason):
        after[job_id] = advance(after.get(job_id), event)
        steps.setdefault(job_id, []).append(RecordedEvent(event, after[job_id]))
    return RunRequest(
        planned_events=list(steps.values()),
        purchase_ids=frozenset(spec.id for spec in specs),
        exit_code_ids=frozenset(placed.spec.id for placed in batch.manifest.jobs)
        if batch.only
        else batch.manifest.all_ids,
        retryable_ids=frozenset(may_rebuy(batch.manifest, after)) if buy else frozenset(),
    )
