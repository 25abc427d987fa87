"""Plans a batch, runs it, retries or edits failed jobs, collects what is paid for."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from batchvid.catalog import Provider
from batchvid.commands import prompt_edits
from batchvid.commands.adoption import AfterAdoption, adopt_clips, adopt_finished, foresee_adoptions, with_adopted
from batchvid.commands.batch import Batch, open_batch
from batchvid.commands.caps import build_caps
from batchvid.commands.execution import Display, known_providers, run_batch, run_jobs
from batchvid.commands.recovery import build_request, recover_jobs
from batchvid.commands.regeneration import clear_finished, load_unfinished, regenerate_filter, save_started
from batchvid.commands.rehearsals import end_open_rehearsals, find_emulators, set_aside_rehearsals
from batchvid.commands.rollback_guard import check_not_stale
from batchvid.display.progress import progress_for
from batchvid.domain import events as ev
from batchvid.domain.failures import MODERATION, FailureKind
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState, advance, may_still_finish
from batchvid.errors import BatchvidError, UsageError
from batchvid.manifest import Manifest
from batchvid.net.credentials import Credentials
from batchvid.paths import BatchPaths
from batchvid.planning.plan import Plan, RebuyFilter, buy_nothing_again, make_plan
from batchvid.planning.rehearsals import describe_end, emulators_among
from batchvid.runner import (
    Budget,
    Charge,
    Outcome,
    RunConfig,
    RunRequest,
    SpendingLimits,
    earlier_charges,
    utc_now,
)
from batchvid.state.meta import Meta
from batchvid.state.readers import read_jobs, read_meta
from batchvid.state.state_file import StateFile, record_offline

MAX_SHOWN_IDS = 5  # in a notice


def plan(batch: Batch, *, allow_retired: bool = False, limits: SpendingLimits | None = None) -> Plan:
    """What a run would do and cost, and which caps would stop purchases. Reads the state file if there is one.

    Changes nothing. Models past their sunset are refused unless `allow_retired`; `limits` are those of the run.
    """
    jobs = {job.id: job for job in read_jobs(batch.state_path)} if batch.state_path.exists() else {}
    emulators = find_emulators(batch.providers, jobs.values())
    planned = _make_plan(batch, batch.manifest, jobs, allow_retired=allow_retired, emulators=emulators)
    caps = build_caps(batch.settings, limits)
    budget = Budget(caps, earlier_charges(batch.state_path, jobs.values()) if caps and jobs else ())
    now = utc_now()
    charges = [Charge.for_spec(job.spec, job.price, job.duration_s, now) for job in planned.to_buy]
    return replace(planned, cautions=(*planned.cautions, *budget.forecast(charges)))


def run(
    batch: Batch,
    *,
    regenerate: Sequence[str] = (),
    buy: bool = True,
    allow_retired: bool = False,
    limits: SpendingLimits | None = None,
    wait: bool = True,
    try_now: bool = False,
    display: Display = progress_for,
) -> Outcome:
    """Buy what is new or waiting, collect what is paid for, and write the report.

    `regenerate` holds `changed` or patterns of ids whose stored clips are bought again; after an interrupted run only
    those that are still missing. Without `buy` nothing is bought; with `allow_retired` models past their sunset are
    tried too; `limits` are those of this run. Without `wait` it ends rather than wait for slots of uncertain jobs;
    `try_now` submits before the time that a provider requested. The manifest is expanded while the open jobs of an
    earlier run are collected. Raises ManifestError before anything is bought.
    """

    emulators: frozenset[str] = frozenset()
    adopted: list[AfterAdoption] = []

    def build(jobs: Mapping[str, Job], state: StateFile | None = None, *, check: bool = buy) -> RunRequest:
        manifest = batch.lazy_manifest.for_one_use()
        after = adopt_clips(state, dict(jobs), manifest, emulators) if state else None
        if after:
            adopted.append(after)
            manifest, jobs = after.manifest, after.jobs
        unfinished = load_unfinished(state) if state and regenerate else {}
        rebuy = regenerate_filter(regenerate, manifest, jobs, unfinished)
        specs: list[JobSpec] = []
        if check:
            planned = _make_plan(batch, manifest, jobs, allow_retired=allow_retired, rebuy=rebuy, emulators=emulators)
            specs = [job.spec for job in planned.to_plan] if buy else []
        if state and regenerate:
            save_started(state, jobs, specs, unfinished)
        request = build_request(manifest, jobs, specs, "regenerate", buy=buy)
        return set_aside_rehearsals(batch.folder, jobs, with_adopted(request, after))

    prepared: list[RunRequest] = []
    if not batch.state_path.exists():
        check_not_stale({}, batch.paths)
        prepared.append(build({}, check=True))  # a first run that fails here leaves nothing behind
    with StateFile(batch.state_path) as state:
        notices: list[str] = []
        jobs = recover_jobs(state, buying=buy, notice=notices.append)
        emulators = find_emulators(batch.providers, jobs.values(), replaces=bool(regenerate))
        if buy:
            jobs = end_open_rehearsals(state, jobs, batch.lazy_manifest, emulators)

        def request() -> RunRequest:
            return prepared.pop() if prepared and not jobs else build(jobs, state)

        outcome = run_batch(
            batch,
            state,
            dict(jobs),
            request,
            limits,
            display,
            first_notices=notices,
            wait=wait,
            try_now=try_now,
        )
        clear_finished(state)
        if any(after.adoptions.waiting for after in adopted):
            adopt_finished(state, batch.lazy_manifest.for_one_use(), emulators)
        return outcome


def edit(batch: Batch, path: Path) -> Batch:
    """Save the prompts that were changed in an `edit-these.csv`, and apply them to the batch.

    Raises ManifestError with every row that is wrong, UsageError for a batch that was never run.
    """
    if not batch.state_path.exists():
        raise UsageError(f"{batch.folder} was never run: there is nothing to edit")
    with StateFile(batch.state_path) as state:
        batch.lazy_manifest.save_edits(prompt_edits.read_edits(path, state.jobs(), batch.lazy_manifest.unedited))
    _ = batch.manifest
    return batch


def retry(
    batch: Batch,
    *,
    kinds: Sequence[str] = (),
    new_task: bool = False,
    allow_retired: bool = False,
    limits: SpendingLimits | None = None,
    wait: bool = True,
    try_now: bool = False,
    display: Display = progress_for,
) -> Outcome:
    """Reopen failed jobs and run those. A task that may still finish is polled again; the others are bought again.

    `kinds` selects failure kinds. With `new_task` every job is bought again, even if its old task may still finish.
    `limits`, `wait` and `try_now` are as in `run`. Some jobs are bought again only if `kinds` names their kind:
    cancelled jobs, jobs whose task the provider does not know, and jobs that a content filter refused and that are
    unchanged.
    """
    if not batch.state_path.exists():
        raise UsageError(f"{batch.folder} was never run: there is nothing to retry")
    with StateFile(batch.state_path) as state:
        notices: list[str] = []
        jobs = recover_jobs(state, buying=True, notice=notices.append)
        emulators = find_emulators(batch.providers, jobs.values(), replaces=True)
        jobs = end_open_rehearsals(state, jobs, batch.lazy_manifest, emulators)
        after = adopt_clips(state, jobs, batch.manifest, emulators)
        manifest, jobs = after.manifest, dict(after.jobs)
        notices += after.notices
        chosen = _choose_failed(manifest, jobs, kinds, emulators, new_task=new_task)
        resumed = [(job_id, ev.PollResumed(at=utc_now())) for job_id in chosen.resumed]
        # the plan sees them resumed: their children may be bought too
        expected = {job_id: advance(jobs[job_id], event) for job_id, event in resumed}
        planned = _make_plan(
            batch,
            manifest,
            jobs | expected,
            allow_retired=allow_retired,
            rebuy=lambda spec, _: spec.id in chosen.reopened,
            emulators=emulators,
        )
        specs = [job.spec for job in planned.to_plan if job.spec.id in chosen.reopened]
        jobs = record_offline(state, jobs, resumed)
        request = build_request(manifest, jobs, specs, "retry", buy=True)
        request = set_aside_rehearsals(batch.folder, jobs, request)
        notice = chosen.describe_skipped()
        if kinds and not (chosen.reopened or chosen.resumed):
            notice = f"no failed job is of kind {' or '.join(kinds)}; batchvid status shows the kinds"
        return run_batch(
            batch,
            state,
            jobs,
            lambda: request,
            limits,
            display,
            first_notices=[*notices, notice],
            wait=wait,
            try_now=try_now,
        )


@dataclass(slots=True)
class _FailedJobs:
    """What `retry` does with failed jobs, by id. The last three lists are left alone."""

    reopened: set[str] = field(default_factory=set)
    resumed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def describe_skipped(self) -> str:
        """Which jobs are left alone and why; empty if there are none."""
        reasons = {
            "that a content filter refused are not bought again unchanged": self.refused,
            "that were cancelled are not bought, retry --kind cancelled buys them": self.cancelled,
            "whose task the provider does not know may be paid for, retry --kind lost_task buys them again": self.lost,
        }
        return "; ".join(f"{len(ids)} {reason}: {_first_of(ids)}" for reason, ids in reasons.items() if ids)


def _choose_failed(
    manifest: Manifest,
    jobs: Mapping[str, Job],
    kinds: Sequence[str],
    emulators: frozenset[str] = frozenset(),
    *,
    new_task: bool,
) -> _FailedJobs:
    chosen = _FailedJobs()
    selected = {FailureKind(kind) for kind in kinds} or set(FailureKind)
    for placed in manifest.jobs:
        job = jobs.get(placed.spec.id)
        if job is None or job.state is not JobState.FAILED or job.kind not in selected:
            continue
        if may_still_finish(job) and not new_task and not describe_end(placed.spec, job, emulators):
            chosen.resumed.append(job.id)
        elif job.kind in MODERATION and not kinds and job.spec.fingerprint == placed.spec.fingerprint:
            chosen.refused.append(job.id)
        elif job.kind is FailureKind.CANCELLED and not kinds:
            chosen.cancelled.append(job.id)
        elif job.kind is FailureKind.LOST_TASK and not kinds:
            chosen.lost.append(job.id)
        else:
            chosen.reopened.add(job.id)
    return chosen


def _first_of(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - MAX_SHOWN_IDS} more" if len(ids) > MAX_SHOWN_IDS else ""
    return f"{', '.join(ids[:MAX_SHOWN_IDS])}{more}"


def collect(folder: Path, *, only_reconcile: bool = False, display: Display = progress_for) -> Outcome:
    """Poll and download what is paid for. Needs only the state file, not the manifest. Buys nothing.

    With `only_reconcile` it only looks up the tasks of uncertain jobs, at the providers that support lookup.
    """
    with StateFile(BatchPaths(folder).state) as state:
        meta = read_meta(state.path)
        source = Path(meta["manifest"]).parent if "manifest" in meta else None
        notices: list[str] = []
        jobs = recover_jobs(state, notice=notices.append)
        providers = _collect_from(meta, jobs)
        request = RunRequest(exit_code_ids=frozenset(jobs))
        setup = RunConfig(
            folder=folder,
            providers=providers,
            keys=Credentials(source),
            request=lambda: request,
            only_reconcile=only_reconcile,
        )
        return run_jobs(state, jobs, setup, display, first_notices=[*notices, meta.describe_unreadable()])


def _collect_from(meta: Meta, jobs: Mapping[str, Job]) -> dict[str, Provider]:
    """The providers of the last run; where their row is damaged, those of the manifest too, if it can be read."""
    known = known_providers(meta)
    is_damaged = "providers" in meta.unreadable or any(job.spec.provider not in known for job in jobs.values())
    if is_damaged and "manifest" in meta:
        with contextlib.suppress(BatchvidError, OSError):
            known |= open_batch(meta["manifest"], sets=meta.get("sets", ())).providers
    return known


def _make_plan(
    batch: Batch,
    manifest: Manifest,
    jobs: Mapping[str, Job],
    *,
    allow_retired: bool,
    rebuy: RebuyFilter = buy_nothing_again,
    emulators: frozenset[str] = frozenset(),
) -> Plan:
    sold_on = None if allow_retired else utc_now().date()
    emulators |= emulators_among(batch.providers)
    after = foresee_adoptions(manifest, jobs, emulators, prompt_edits.load_saved(batch.folder))
    return make_plan(
        after.manifest,
        after.jobs,
        batch.providers,
        models=batch.models,
        sold_on=sold_on,
        rebuy=rebuy,
        emulators=emulators,
        adoptions=after.adoptions,
    )
