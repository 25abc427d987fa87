"""What can be done with a batch: plan it, run it, retry or edit what failed, collect what is paid for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from batchvid import catalog, manifest
from batchvid.commands import prompt_edits
from batchvid.commands.batch import STATE_NAME, Batch, UnexpandedBatch, draft_of, load
from batchvid.commands.execution import Display, known_providers, run_batch, run_jobs
from batchvid.commands.recovery import asked_of, check_not_stale, recover_jobs
from batchvid.display.progress import progress_for
from batchvid.domain import events as ev
from batchvid.domain.failures import MODERATION, FailureKind
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState, advance
from batchvid.errors import UsageError
from batchvid.manifest import Manifest
from batchvid.net.credentials import Credentials
from batchvid.planning.availability import Availability
from batchvid.planning.plan import Plan, PlanAction, make_plan
from batchvid.runner import (
    Budget,
    Charge,
    Outcome,
    RunConfig,
    RunRequest,
    SpendingLimits,
    build_caps,
    earlier_charges,
    utc_now,
)
from batchvid.state.readers import read_jobs, read_meta
from batchvid.state.state_file import StateFile, record_offline

SHOWN = 5  # ids in a notice
Again = Callable[[JobSpec, PlanAction], bool]


def plan(batch: Batch, *, allow_retired: bool = False, at_most: SpendingLimits | None = None) -> Plan:
    """What a run would do and cost, and which caps would hold it up. Reads the state file if there is one.

    Changes nothing. Models past their sunset are refused unless they are allowed all the same; `at_most` is what the
    run might buy.
    """
    jobs = {job.id: job for job in read_jobs(batch.state_path)} if batch.state_path.exists() else {}
    planned = _make_plan(batch, jobs, allow_retired=allow_retired)
    caps = build_caps(batch.manifest.settings, at_most)
    budget = Budget(caps, earlier_charges(batch.state_path, jobs.values()) if caps and jobs else ())
    now = utc_now()
    charges = [Charge.for_spec(job.spec, job.price, job.duration_s, now) for job in planned.to_buy]
    return replace(planned, cautions=tuple(budget.forecast(charges)))


def run(
    batch: Batch | UnexpandedBatch,
    *,
    regenerate: Sequence[str] = (),
    buy: bool = True,
    allow_retired: bool = False,
    at_most: SpendingLimits | None = None,
    display: Display = progress_for,
) -> Outcome:
    """Buy what is new or waiting and collect what is paid for; write the report.

    `regenerate` holds `changed` and patterns of ids whose stored clips are bought again. Without `buy` nothing is paid
    for; with `allow_retired` models past their sunset are tried, too; `at_most` so much is bought by this run. Of a
    Draft the jobs are expanded while those of an earlier run that are paid for are collected already. Raises
    ManifestError before anything is bought or written by it.
    """
    asks = draft_of(batch) if isinstance(batch, Batch) else batch
    if not asks.state_path.exists():
        check_not_stale(asks, {})
        asks = draft_of(whole := asks.expand())
        plan(whole, allow_retired=allow_retired)  # a first run that cannot be leaves nothing behind
    with StateFile(asks.state_path) as state:
        jobs = recover_jobs(state, buying=asks)

        def asked() -> RunRequest:
            whole = asks.expand()
            again = _regenerates(regenerate, whole.manifest)
            chosen = _make_plan(whole, jobs, allow_retired=allow_retired, again=again) if buy else None
            specs = [job.spec for job in chosen.to_plan] if chosen else []
            return asked_of(whole, jobs, specs, "regenerate", buy=buy)

        return run_batch(asks, state, dict(jobs), asked, at_most, display)


def edit(batch: Batch, path: Path) -> Batch:
    """Keep what was changed in an `edit-these.csv`; the batch as it is asked for now.

    Raises ManifestError with every row that cannot be, UsageError for a batch that was never run.
    """
    if not batch.state_path.exists():
        raise UsageError(f"{batch.folder} was never run: there is nothing to edit")
    with StateFile(batch.state_path) as state:
        own = manifest.load(
            batch.manifest.path,
            sets=batch.sets,
            provider_of=lambda _model: catalog.DEFAULT_PROVIDER,
            beyond=Availability(batch.manifest.folder),
        )
        prompt_edits.keep(batch.folder, prompt_edits.read_edits(path, state.jobs(), own))
    return load(batch.manifest.path, out=batch.folder.parent, sets=batch.sets, only=batch.only)


def retry(
    batch: Batch,
    *,
    kinds: Sequence[str] = (),
    new_task: bool = False,
    allow_retired: bool = False,
    at_most: SpendingLimits | None = None,
    display: Display = progress_for,
) -> Outcome:
    """Reopen failed jobs and run those: bought again, or asked for again where the task may have finished.

    `kinds` narrows to failure kinds; with `new_task` a task that may still finish is not asked for but bought again.
    What a
    content filter refused is bought again only if it has changed, or if `kinds` names it; what was cancelled, and what
    has a task that the provider does not know, only if `kinds` names it. `at_most` so much is bought by this run.
    """
    wanted = {FailureKind(kind) for kind in kinds} or set(FailureKind)
    if not batch.state_path.exists():
        raise UsageError(f"{batch.folder} was never run: there is nothing to retry")
    with StateFile(batch.state_path) as state:
        jobs = recover_jobs(state, buying=draft_of(batch))
        reopened: set[str] = set()
        refused: list[str] = []
        called_off: list[str] = []
        lost: list[str] = []
        resumed: list[tuple[str, ev.Event]] = []
        for placed in batch.manifest.jobs:
            job = jobs.get(placed.spec.id)
            if job is None or job.state is not JobState.FAILED or job.kind not in wanted:
                continue
            if may_still_finish(job) and not new_task:
                resumed.append((job.id, ev.PollResumed(at=utc_now())))
            elif job.kind in MODERATION and not kinds and job.spec.fingerprint == placed.spec.fingerprint:
                refused.append(job.id)
            elif job.kind is FailureKind.CANCELLED and not kinds:
                called_off.append(job.id)
            elif job.kind is FailureKind.LOST_TASK and not kinds:
                lost.append(job.id)
            else:
                reopened.add(job.id)
        ahead = {job_id: advance(jobs[job_id], event) for job_id, event in resumed}  # their children may be bought, too
        chosen = _make_plan(batch, jobs | ahead, allow_retired=allow_retired, again=lambda spec, _: spec.id in reopened)
        specs = [job.spec for job in chosen.to_plan if job.spec.id in reopened]
        jobs = record_offline(state, jobs, resumed)
        asked = asked_of(batch, jobs, specs, "retry", buy=True)
        told = _passed_over(refused, called_off, lost)
        if kinds and not (reopened or resumed):
            told = f"no failed job is of kind {' or '.join(kinds)}; batchvid status shows the kinds"
        return run_batch(draft_of(batch), state, jobs, lambda: asked, at_most, display, first_notice=told)


def _passed_over(refused: Sequence[str], called_off: Sequence[str], lost: Sequence[str]) -> str:
    told = {
        "that a content filter refused are not bought again unchanged": refused,
        "that were cancelled are not bought, retry --kind cancelled buys them": called_off,
        "whose task the provider does not know may be paid for, retry --kind lost_task buys them again": lost,
    }
    return "; ".join(f"{len(ids)} {why}: {_first_of(ids)}" for why, ids in told.items() if ids)


def _first_of(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f"{', '.join(ids[:SHOWN])}{more}"


def collect(folder: Path, *, only_reconcile: bool = False, display: Display = progress_for) -> Outcome:
    """Poll and download what is paid for, with nothing but the state file: buys nothing, needs no manifest.

    With `only_reconcile` nothing but the providers that can be asked after uncertain jobs is asked.
    """
    with StateFile(folder / STATE_NAME) as state:
        meta = read_meta(folder / STATE_NAME)
        providers = known_providers(meta)
        source = Path(meta["manifest"]).parent if "manifest" in meta else None
        jobs = recover_jobs(state)
        asked = RunRequest(exit_code_ids=frozenset(jobs))
        setup = RunConfig(
            folder=folder,
            providers=providers,
            keys=Credentials(source),
            request=lambda: asked,
            only_reconcile=only_reconcile,
        )
        return run_jobs(state, jobs, setup, display)


def may_still_finish(job: Job) -> bool:
    """Whether it was us who gave up on the task, not the vendor: it is bought, and asking costs nothing."""
    return bool(job.task_id) and not job.task_failed and job.kind is not FailureKind.LOST_TASK


def _make_plan(
    batch: Batch, jobs: Mapping[str, Job], *, allow_retired: bool, again: Again = lambda _spec, _verdict: False
) -> Plan:
    sold_on = None if allow_retired else utc_now().date()
    return make_plan(batch.manifest, jobs, batch.providers, models=batch.models, sold_on=sold_on, again=again)


def _regenerates(wanted: Sequence[str], asked: Manifest) -> Again:
    patterns = {pattern.casefold() for pattern in wanted}
    changed = "changed" in patterns
    patterns.discard("changed")
    for pattern in patterns:
        if not any(fnmatchcase(placed.spec.id.casefold(), pattern) for placed in asked.jobs):
            raise UsageError(f"--regenerate {pattern}: no job has such an id")

    def again(spec: JobSpec, verdict: PlanAction) -> bool:
        if verdict is PlanAction.CHANGED and changed:
            return True
        named = any(fnmatchcase(spec.id.casefold(), pattern) for pattern in patterns)
        return named and verdict in (PlanAction.CHANGED, PlanAction.STORED)

    return again
