"""What is recorded before a run: jobs that an interrupted run left, and newly planned jobs. Sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any

from batchvid.commands.rollback_guard import check_not_stale, check_purchases
from batchvid.domain import events as ev
from batchvid.domain.clip_request import inputs_of
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState, advance
from batchvid.manifest import Manifest
from batchvid.paths import BatchPaths
from batchvid.planning.plan_types import Plan, PlanAction
from batchvid.planning.rehearsals import is_only_rehearsed
from batchvid.report.logged_purchases import LoggedTask, logged_tasks
from batchvid.runner import RunRequest, utc_now
from batchvid.state.readers import read_attempts
from batchvid.state.state_file import RecordedEvent, StateFile, record_offline


def recover_jobs(
    state: StateFile, *, buying: bool = False, notice: Callable[[str], None] = lambda _: None
) -> dict[str, Job]:
    """The current jobs. What an interrupted run left is recorded first.

    A task id that only `run.log` holds is adopted by its job. Other jobs that were left in the middle of a paid call
    become uncertain. With `buying`, raises UsageError when the state file is an older copy.
    """
    jobs, paths = state.jobs(), BatchPaths(state.path.parent)
    if buying:
        check_not_stale(jobs, paths)
        if copied := check_purchases(state):
            notice(copied)
    events = recovery_events(jobs, paths)
    if adopted := sum(isinstance(event, ev.SubmitAccepted) for _, event in events):
        notice(f"{adopted} task ids were not in the state file and are adopted from {paths.log}")
    return record_offline(state, jobs, events)


def recovery_events(jobs: Mapping[str, Job], paths: BatchPaths) -> list[tuple[str, ev.Event]]:
    """What has to be recorded about jobs that an interrupted run left in the middle of a paid call, by job."""
    adopted = adopt_logged_tasks(jobs, paths)
    message = "the run ended between the paid call and its answer"
    lost = [job.id for job in jobs.values() if job.state is JobState.SUBMITTING and job.id not in adopted]
    events: list[tuple[str, ev.Event]] = [*adopted.items()]
    return events + [(job_id, ev.SubmitLost(at=utc_now(), message=message)) for job_id in lost]


def adopt_logged_tasks(jobs: Mapping[str, Job], paths: BatchPaths) -> dict[str, ev.SubmitAccepted]:
    """The tasks that `run.log` names for paid calls without a verdict, by job.

    Job and attempt must agree, the log must name one task for them, and no other job may own or claim it.
    """
    open_calls = {job.id for job in jobs.values() if job.state in (JobState.SUBMITTING, JobState.UNCERTAIN)}
    if not open_calls:
        return {}
    claims: dict[str, dict[str, LoggedTask]] = {}  # by task id, then by job
    for logged in logged_tasks(paths.log, open_calls):
        if logged.attempt == jobs[logged.job_id].attempts:
            claims.setdefault(logged.task_id, {})[logged.job_id] = logged
    if not claims:
        return {}
    owned = {attempt.task_id for attempt in read_attempts(paths.state)} | {job.task_id for job in jobs.values()}
    tasks_of = Counter(job_id for claim in claims.values() for job_id in claim)
    return {
        job_id: ev.SubmitAccepted(at=utc_now(), task_id=task_id, model=logged.model, rehearsal=logged.rehearsal)
        for task_id, claim in claims.items()
        for job_id, logged in claim.items()
        if task_id not in owned and len(claim) == 1 and tasks_of[job_id] == 1
    }


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
        if job is not None and is_only_rehearsed(job):
            events.append((spec.id, ev.RehearsalEnded(at=at)))
        elif job is not None and job.state is not JobState.PENDING:
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


def _hidden_inputs(
    manifest: Manifest, jobs: Mapping[str, Job], retryable: Container[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The inputs of jobs that the state file holds without the queries of their links."""
    for placed in manifest.jobs:
        if placed.spec.id in retryable:
            inputs = inputs_of(placed.spec.request)
            if inputs != inputs_of(jobs[placed.spec.id].spec.request):
                yield placed.spec.id, inputs


def build_request(manifest: Manifest, jobs: Mapping[str, Job], planned: Plan, reason: str, *, buy: bool) -> RunRequest:
    """The request for a run of this plan. Without `buy` nothing is bought, not even a second time."""
    specs = [job.spec for job in planned.to_plan]
    steps: dict[str, list[RecordedEvent]] = {}
    after = dict(jobs)
    for job_id, event in plan_events(jobs, specs, reason):
        after[job_id] = advance(after.get(job_id), event)
        steps.setdefault(job_id, []).append(RecordedEvent(event, after[job_id]))
    retryable = frozenset(retryable_ids(manifest, after)) if buy else frozenset()
    return RunRequest(
        planned_events=list(steps.values()),
        purchase_ids=frozenset(spec.id for spec in specs),
        held_ids=frozenset(job.spec.id for job in planned.to_plan if job.action is PlanAction.HELD),
        exit_code_ids=frozenset(placed.spec.id for placed in manifest.jobs) if manifest.only else manifest.all_ids,
        retryable_ids=retryable,
        inputs=dict(_hidden_inputs(manifest, after, retryable)),
    )
