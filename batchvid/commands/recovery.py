"""What is recorded before a run: jobs that an interrupted run left, and newly planned jobs. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from batchvid.commands import rollback_guard
from batchvid.commands.batch import Batch
from batchvid.domain import events as ev
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState, advance
from batchvid.manifest import Manifest
from batchvid.runner import RunRequest, utc_now
from batchvid.state.state_file import RecordedEvent, StateFile, record_offline


def check_not_stale(batch: Batch, jobs: Mapping[str, Job]) -> None:
    """Raise UsageError when the batch's folder shows more than `jobs`, the jobs of the state file."""
    rollback_guard.check_not_stale(jobs, batch.paths)


def recover_jobs(state: StateFile, *, buying: Batch | None = None) -> dict[str, Job]:
    """The current jobs. Those that were left in the middle of a paid call are recorded as uncertain first."""
    jobs = state.jobs()
    if buying is not None:
        check_not_stale(buying, jobs)
    message = "the run ended between the paid call and its answer"
    lost = [job.id for job in jobs.values() if job.state is JobState.SUBMITTING]
    return record_offline(state, jobs, [(job_id, ev.SubmitLost(at=utc_now(), message=message)) for job_id in lost])


def plan_events(jobs: Mapping[str, Job], specs: Sequence[JobSpec], reason: str) -> list[tuple[str, ev.Event]]:
    """The events after which each of these specs is pending, as the manifest has it now."""
    events: list[tuple[str, ev.Event]] = []
    at = utc_now()
    for requested in specs:
        job, spec = jobs.get(requested.id), requested
        if job is not None and job.state is JobState.PENDING and job.spec.fingerprint == spec.fingerprint:
            # keep the new seed of a moderation retry that an earlier run had no time for
            seed = job.spec.request.seed
            spec = spec if spec.request.seed == seed else spec.with_request(seed=seed)
        if job is not None and job.state is not JobState.PENDING:
            events.append((spec.id, ev.Reopened(at=at, reason=reason)))
        if job is None or job.spec != spec:
            events.append((spec.id, ev.Planned(at=at, spec=spec)))
    return events


def retryable_ids(manifest: Manifest, jobs: Mapping[str, Job]) -> Iterator[str]:
    """The jobs that a run may buy again automatically: those whose request in the manifest is unchanged."""
    for placed in manifest.jobs:
        job, spec = jobs.get(placed.spec.id), placed.spec
        if job is not None and spec.fingerprint == job.spec.fingerprint:
            used = len(spec.fallback) - len(job.spec.fallback)
            if spec.fallback[max(used, 0) :] == job.spec.fallback and spec.fallback_on == job.spec.fallback_on:
                yield job.id


def build_request(
    manifest: Manifest, jobs: Mapping[str, Job], specs: Sequence[JobSpec], reason: str, *, buy: bool
) -> RunRequest:
    """The request for a run that may pay for these specs. Without `buy` nothing is bought, not even a second time."""
    steps: dict[str, list[RecordedEvent]] = {}
    after = dict(jobs)
    for job_id, event in plan_events(jobs, specs, reason):
        after[job_id] = advance(after.get(job_id), event)
        steps.setdefault(job_id, []).append(RecordedEvent(event, after[job_id]))
    return RunRequest(
        planned_events=list(steps.values()),
        purchase_ids=frozenset(spec.id for spec in specs),
        exit_code_ids=frozenset(placed.spec.id for placed in manifest.jobs) if manifest.only else manifest.all_ids,
        retryable_ids=frozenset(retryable_ids(manifest, after)) if buy else frozenset(),
    )
