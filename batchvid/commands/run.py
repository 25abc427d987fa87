"""Runs a batch, retries or edits failed jobs, collects what is paid for."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from batchvid.catalog import Provider
from batchvid.commands.adoption import adopt_clips, adopt_finished, with_adopted
from batchvid.commands.batch import Batch, open_batch
from batchvid.commands.edit_reading import read_edits
from batchvid.commands.execution import Display, known_providers, run_batch, run_jobs
from batchvid.commands.purchases import Intent, StateView, choose, retry_intent
from batchvid.commands.recovery import build_request, recover_jobs
from batchvid.commands.regeneration import clear_finished, load_unfinished, save_started
from batchvid.commands.rehearsals import end_open_rehearsals, find_emulators, set_aside_rehearsals
from batchvid.commands.rollback_guard import check_not_stale, check_same_folder
from batchvid.display.progress import progress_for
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job
from batchvid.errors import BatchvidError, UsageError
from batchvid.net.credentials import Credentials
from batchvid.paths import BatchPaths
from batchvid.runner import Outcome, RunConfig, RunRequest, SpendingLimits, utc_now
from batchvid.runner.callbacks.addresses import CallbackSettings
from batchvid.state.meta import Meta
from batchvid.state.readers import read_jobs, read_meta
from batchvid.state.state_file import StateFile, record_offline

TABLE_NOT_FETCHED = 1  # the exit code of a run that bought nothing for a table of the web
MAX_SHOWN_WARNINGS = 10  # of a manifest, by a run


def run(
    batch: Batch,
    *,
    regenerate: Sequence[str] = (),
    buy: bool = True,
    allow_retired: bool = False,
    limits: SpendingLimits | None = None,
    wait: bool = True,
    try_now: bool = False,
    callbacks: CallbackSettings | None = None,
    display: Display = progress_for,
) -> Outcome:
    """Buy what is new or waiting, collect what is paid for, and write the report.

    `regenerate` holds `changed` or patterns of ids whose stored clips are bought again; after an interrupted run only
    those that are still missing. Without `buy` nothing is bought; with `allow_retired` models past their sunset are
    tried too; `limits` are those of this run. Without `wait` it ends rather than wait for slots of uncertain jobs;
    `try_now` submits before the time that a provider requested; `callbacks` is where it listens for vendors. The
    manifest is expanded while the open jobs of an earlier run are collected. Raises ManifestError before anything is
    bought, and UsageError when the manifest was run into another folder, which still has its jobs, unless the batch was
    opened with `new_batch`.
    """

    intent = Intent(buy=buy, regenerate=tuple(regenerate), allow_retired=allow_retired)
    return run_intent(batch, intent, limits=limits, wait=wait, try_now=try_now, callbacks=callbacks, display=display)


def run_intent(
    batch: Batch,
    intent: Intent,
    *,
    limits: SpendingLimits | None,
    wait: bool,
    try_now: bool,
    callbacks: CallbackSettings | None,
    display: Display,
) -> Outcome:
    """Buy what the intent selects and collect what is paid for. The options are as in `run`."""
    other_folder = check_same_folder(batch)
    emulators: frozenset[str] = frozenset()
    waiting = False

    def build(jobs: Mapping[str, Job], state: StateFile | None = None) -> RunRequest:
        nonlocal waiting
        manifest, after = batch.lazy_manifest.for_one_use(), None
        if state and intent.saved is None:
            after = adopt_clips(state, jobs, manifest, emulators)
            manifest, jobs, waiting = after.manifest, after.jobs, bool(after.adoptions.waiting)
        unfinished = load_unfinished(state.path) if state and intent.regenerate else {}
        planned = choose(batch, manifest, StateView(jobs=jobs, unfinished=unfinished, emulators=emulators), intent)
        if state and intent.regenerate:
            save_started(state, jobs, (job.spec for job in planned.to_plan), unfinished)
        request = build_request(manifest, jobs, planned, "regenerate", buy=intent.buy)
        set_aside_rehearsals(batch.folder, jobs, request)
        request = replace(request, notices=(*planned.notices, *_first_warnings(planned.warnings)))
        return with_adopted(request, after)

    prepared: list[RunRequest] = []
    if not batch.state_path.exists():
        check_not_stale({}, batch.paths)
        prepared.append(build({}))  # a first run that fails here leaves nothing behind
    with StateFile(batch.state_path) as state:
        notices = [*batch.notices, other_folder]
        jobs = recover_jobs(state, buying=intent.buy, notice=notices.append)
        emulators = find_emulators(batch.providers, jobs.values(), replaces=intent.replaces)
        if intent.buy:
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
            callbacks=callbacks,
        )
        clear_finished(state)
        if waiting:
            adopt_finished(state, batch.lazy_manifest.for_one_use(), emulators)
        return _with_web_tables(batch, outcome)


def edit(batch: Batch, path: Path, *, save: bool = True) -> Batch:
    """Apply the prompts that were changed in an `edit-these.csv` to the batch; save them, except for a dry run.

    `retry` and `plan_retry` of the returned batch buy only the jobs that the file changes.
    Raises ManifestError with every row that is wrong, UsageError for a batch that was never run.
    """
    check_same_folder(batch, command="retry")
    if not batch.state_path.exists():
        raise UsageError(f"{batch.folder} was never run: there is nothing to edit")
    lazy = batch.lazy_manifest
    if not save:
        jobs = {job.id: job for job in read_jobs(batch.state_path)}
        found = read_edits(path, jobs, lazy.unedited, lazy.edits)
        lazy.use_edits(found.edits)
        return replace(batch, edited=found)
    with StateFile(batch.state_path) as state:
        found = read_edits(path, state.jobs(), lazy.unedited, lazy.edits)
        lazy.save_edits(found.edits)
    _ = batch.manifest
    return replace(batch, edited=found)


def retry(
    batch: Batch,
    *,
    kinds: Sequence[str] = (),
    new_task: bool = False,
    allow_retired: bool = False,
    limits: SpendingLimits | None = None,
    wait: bool = True,
    try_now: bool = False,
    callbacks: CallbackSettings | None = None,
    display: Display = progress_for,
) -> Outcome:
    """Reopen failed jobs and run those. A task that may still finish is polled again; the others are bought again.

    `kinds` selects failure kinds. With `new_task` every job is bought again, even if its old task may still finish.
    `limits`, `wait`, `try_now` and `callbacks` are as in `run`. Some jobs are bought again only if `kinds` names their
    kind: cancelled jobs, jobs whose task the provider does not know, and jobs that a content filter refused and that
    are unchanged.
    """
    check_same_folder(batch, command="retry")
    if not batch.state_path.exists():
        raise UsageError(f"{batch.folder} was never run: there is nothing to retry")
    with StateFile(batch.state_path) as state:
        notices = _first_edits(batch.notices)
        jobs = recover_jobs(state, buying=True, notice=notices.append)
        intent = retry_intent(batch, kinds, new_task=new_task, allow_retired=allow_retired)
        emulators = find_emulators(batch.providers, jobs.values(), replaces=True)
        jobs = end_open_rehearsals(state, jobs, batch.lazy_manifest, emulators)
        after = adopt_clips(state, jobs, batch.manifest, emulators)
        jobs = dict(after.jobs)
        planned = choose(batch, after.manifest, StateView(jobs=jobs, emulators=emulators), intent)
        jobs = record_offline(state, jobs, [(job_id, ev.PollResumed(at=utc_now())) for job_id in planned.resumed])
        request = build_request(after.manifest, jobs, planned, "retry", buy=True)
        set_aside_rehearsals(batch.folder, jobs, request)
        outcome = run_batch(
            batch,
            state,
            jobs,
            lambda: request,
            limits,
            display,
            first_notices=[*notices, *after.notices, *planned.notices, *_first_warnings(planned.warnings)],
            wait=wait,
            try_now=try_now,
            callbacks=callbacks,
        )
        return _with_web_tables(batch, outcome)


def _with_web_tables(batch: Batch, outcome: Outcome) -> Outcome:
    """Keep the tables of the web for the next run. One that could not be fetched makes the exit code 1 at least."""
    if batch.web_tables is None:
        return outcome
    with contextlib.suppress(OSError):  # without a copy, the next run only cannot say that the table changed
        batch.web_tables.keep()
    if outcome.exit_code or not batch.web_tables.problems:
        return outcome
    return replace(
        outcome, exit_code=TABLE_NOT_FETCHED, reason=f"a table was not fetched: {batch.web_tables.problems[0]}"
    )


def _first_edits(notices: Sequence[str]) -> list[str]:
    """The first notices of a batch: a file of edits may have thousands of rows."""
    more = len(notices) - MAX_SHOWN_WARNINGS
    left_out = [f"and {more} more edits; batchvid retry --dry-run shows them"] if more > 0 else []
    return [*notices[:MAX_SHOWN_WARNINGS], *left_out]


def _first_warnings(warnings: Sequence[str]) -> list[str]:
    """The first warnings of a manifest, as notices, and how many more there are."""
    shown = [f"warning: {warning}" for warning in warnings[:MAX_SHOWN_WARNINGS]]
    if len(warnings) > MAX_SHOWN_WARNINGS:
        shown.append(f"and {len(warnings) - MAX_SHOWN_WARNINGS} more warnings; batchvid plan shows them")
    return shown


def collect(
    folder: Path,
    *,
    only_reconcile: bool = False,
    callbacks: CallbackSettings | None = None,
    display: Display = progress_for,
) -> Outcome:
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
            callbacks=callbacks,
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
