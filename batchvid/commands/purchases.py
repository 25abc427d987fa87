"""What a command buys: one function for `plan`, `run`, `retry` and their dry runs.

A dry run and the run that follows it get the same plan, because both of them get it here. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from batchvid.commands.adoption import foresee_adoptions
from batchvid.commands.batch import Batch
from batchvid.commands.failed_jobs import choose_failed, first_of
from batchvid.commands.recovery import recovery_events
from batchvid.commands.regeneration import load_unfinished, regenerate_filter
from batchvid.commands.rehearsals import find_emulators
from batchvid.commands.rollback_guard import check_not_stale, check_older_copy
from batchvid.commands.saved_plan import SavedPlan
from batchvid.domain import events as ev
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, advance
from batchvid.manifest import Manifest
from batchvid.paths import BatchPaths
from batchvid.planning.adoption import NONE as NO_ADOPTIONS
from batchvid.planning.adoption import Adoptions
from batchvid.planning.plan import COLLECTS_ONLY, RebuyFilter, SkipFilter, buy_nothing_again, make_plan, skip_nothing
from batchvid.planning.plan_types import Plan
from batchvid.planning.rehearsals import emulators_among
from batchvid.runner import utc_now
from batchvid.state.lock import find_holder
from batchvid.state.readers import read_jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a command is to do.

    `retry` buys failed jobs and nothing else; `kinds` and `new_task` are its options. `regenerate` holds `changed` or
    patterns of ids. Without `buy` nothing is bought. `allow_retired` buys models past their sunset, too. `saved` is
    a saved plan: exactly its jobs are bought, unless they were since then. `edited_ids` are the jobs of a file of
    edits: `retry` buys and polls no others.
    """

    buy: bool = True
    regenerate: tuple[str, ...] = ()
    retry: bool = False
    kinds: tuple[str, ...] = ()
    new_task: bool = False
    allow_retired: bool = False
    saved: SavedPlan | None = None
    edited_ids: frozenset[str] | None = None

    @property
    def replaces(self) -> bool:
        """Whether it may buy a clip again that is stored."""
        return bool(self.regenerate or self.retry or self.saved is not None)


def retry_intent(batch: Batch, kinds: Sequence[str], *, new_task: bool, allow_retired: bool) -> Intent:
    """The intent of `retry`; after `edit`, only for the jobs that its file changes."""
    ids = batch.edited.ids if batch.edited is not None else None
    return Intent(retry=True, kinds=tuple(kinds), new_task=new_task, allow_retired=allow_retired, edited_ids=ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateView:
    """What earlier runs left: their jobs, and the paid calls before an unfinished regeneration, by job.

    `holder` is the run that is active now, empty if there is none. `emulators` are the providers that are the emulator.
    """

    jobs: Mapping[str, Job] = field(default_factory=dict)
    unfinished: Mapping[str, int] = field(default_factory=dict)
    holder: str = ""
    emulators: frozenset[str] = frozenset()
    adoptions: Adoptions = NO_ADOPTIONS


def read_view(paths: BatchPaths, *, buying: bool) -> StateView:
    """The state as the next run finds it, without a change. What an interrupted run left is settled in the view only.

    With `buying`, raises UsageError when the state file is lost or an older copy.
    """
    if not paths.state.exists():
        if buying:
            check_not_stale({}, paths)
        return StateView()
    holder = find_holder(paths.state)
    jobs = {job.id: job for job in read_jobs(paths.state)}
    if not holder:  # an active run writes the log before the state file is read
        if buying:
            check_not_stale(jobs, paths)
            check_older_copy(paths.state)
        for job_id, event in recovery_events(jobs, paths):
            jobs[job_id] = advance(jobs[job_id], event)
    return StateView(jobs=jobs, unfinished=load_unfinished(paths.state), holder=holder)


def view_of(batch: Batch, intent: Intent) -> StateView:
    """The state as a command with this intent finds it; servers on this machine may be called, to know an emulator."""
    view = read_view(batch.paths, buying=intent.buy)
    emulators = find_emulators(batch.providers, view.jobs.values(), replaces=intent.replaces)
    return replace(view, emulators=emulators)


def choose(batch: Batch, manifest: Manifest, view: StateView, intent: Intent) -> Plan:
    """What a command with this intent buys, why, and for how much.

    `to_plan` of the result are its purchases. Raises ManifestError with every job that cannot be bought, UsageError
    for a pattern of `regenerate` that fits no job.
    """
    if intent.saved is not None:  # it does not know every id of the manifest, so nothing is adopted
        return _choose_saved(batch, manifest, view, intent, intent.saved)
    emulators = view.emulators | emulators_among(batch.providers)
    after = foresee_adoptions(manifest, view.jobs, emulators, batch.lazy_manifest.edits if view.jobs else {})
    manifest, view = after.manifest, replace(view, jobs=after.jobs, adoptions=after.adoptions)
    if intent.retry:
        return _choose_retry(batch, manifest, view, intent)
    rebuy = regenerate_filter(intent.regenerate, manifest, view.jobs, view.unfinished)
    skip = skip_nothing if intent.buy else _collect_only
    return _make_plan(batch, manifest, view, intent, rebuy if intent.buy else buy_nothing_again, skip)


def _choose_retry(batch: Batch, manifest: Manifest, view: StateView, intent: Intent) -> Plan:
    selected = manifest
    if intent.edited_ids is not None:
        edited = (placed for placed in manifest.jobs if placed.spec.id in intent.edited_ids)
        selected = replace(manifest, jobs=tuple(edited))
    chosen = choose_failed(selected, view.jobs, intent.kinds, view.emulators, new_task=intent.new_task)
    at = utc_now()
    # the plan sees them resumed: their children may be bought too
    resumed = {job_id: advance(view.jobs[job_id], ev.PollResumed(at=at)) for job_id in chosen.resumed}

    # an edited job that was reopened and not bought yet is pending
    bought = chosen.reopened | (intent.edited_ids or frozenset())
    others = "retry buys only failed jobs" if intent.edited_ids is None else "it is not edited in the file"

    def skip(spec: JobSpec) -> str:
        return "" if spec.id in bought else f"{others}, run buys it"

    seen = replace(view, jobs={**view.jobs, **resumed})
    planned = _make_plan(batch, manifest, seen, intent, lambda spec, _: spec.id in chosen.reopened, skip)
    notice = chosen.describe_skipped()
    if intent.kinds and not (chosen.reopened or chosen.resumed):
        notice = f"no failed job is of kind {' or '.join(intent.kinds)}; batchvid status shows the kinds"
    jobs = tuple(
        replace(job, reason=f"polled again: its task {resumed[job.spec.id].task_id} may still finish")
        if job.spec.id in resumed
        else job
        for job in planned.jobs
    )
    return replace(planned, jobs=jobs, resumed=tuple(chosen.resumed), notices=(notice,) if notice else ())


def _choose_saved(batch: Batch, manifest: Manifest, view: StateView, intent: Intent, saved: SavedPlan) -> Plan:
    remaining_ids = {job.spec.id for job in saved.unbought(view.jobs)}
    unbought = tuple(placed for placed in manifest.jobs if placed.spec.id in remaining_ids)
    remaining = replace(manifest, jobs=unbought, all_ids=manifest.all_ids | view.jobs.keys())
    planned = _make_plan(batch, remaining, view, intent, lambda _spec, _action: True, skip_nothing)
    others = [job.spec.id for job in saved.jobs if job.spec.id not in remaining_ids]
    notice = f"{len(others)} clips of the plan were bought or have failed since it was saved: {first_of(others)}"
    return replace(planned, notices=(notice,) if others else ())


def _make_plan(
    batch: Batch,
    manifest: Manifest,
    view: StateView,
    intent: Intent,
    rebuy: RebuyFilter,
    skip: SkipFilter,
) -> Plan:
    sold_on = None if intent.allow_retired else utc_now().date()
    return make_plan(
        manifest,
        view.jobs,
        batch.providers,
        models=batch.models,
        sold_on=sold_on,
        rebuy=rebuy,
        skip=skip,
        emulators=view.emulators,
        adoptions=view.adoptions,
    )


def _collect_only(_spec: JobSpec) -> str:
    return COLLECTS_ONLY
