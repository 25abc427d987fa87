"""Executes a run in its folder: the log, the display, the reports, and the batch's facts in the state file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from batchvid import catalog, gc_control, report, runner
from batchvid.catalog import Provider
from batchvid.catalog.wire_formats import define_saved
from batchvid.commands.batch import Batch
from batchvid.commands.caps import build_caps
from batchvid.commands.edit_sheet import write_refused
from batchvid.commands.event_loop import run_coroutine
from batchvid.commands.output_folder import has_no_place
from batchvid.dialects import DIALECTS
from batchvid.display.progress import Progress
from batchvid.domain.jobs import PAID_AND_OPEN, Job, JobState
from batchvid.errors import StateError
from batchvid.net.credentials import Credentials
from batchvid.paths import BatchPaths
from batchvid.renamed_keys import PROVIDER_KEYS, with_current_names
from batchvid.report.logger import EventLogger
from batchvid.runner import Outcome, Recorder, RunConfig, RunRequest, SpendingLimits, utc_now
from batchvid.runner.callbacks.addresses import CallbackSettings
from batchvid.runner.listeners import Listeners
from batchvid.runner.recorder import rename_jobs
from batchvid.state.readers import read_attempts, read_meta
from batchvid.state.state_file import StateFile
from batchvid.state.user_index import ManifestFile

_PROVIDERS = TypeAdapter(dict[str, Provider])
RESUMABLE = PAID_AND_OPEN | {JobState.UNCERTAIN}  # a run can continue them without the manifest
Display = Callable[[Sequence[Job]], Progress]


def known_providers(meta: Mapping[str, Any]) -> dict[str, Provider]:
    """The providers that the last run of a batch knew. In the place of a row that cannot be read: the built-in one.

    The wire formats of that run are known afterwards.
    """
    define_saved(meta.get("dialects", {}))
    providers = catalog.providers({})
    for name, row in meta.get("providers", {}).items():
        with contextlib.suppress(ValidationError, TypeError, AttributeError):
            providers |= _PROVIDERS.validate_python({name: with_current_names(row, PROVIDER_KEYS)})
    return providers


def run_batch(
    batch: Batch,
    state: StateFile,
    jobs: dict[str, Job],
    request: Callable[[], RunRequest],
    limits: SpendingLimits | None,
    display: Display,
    *,
    first_notices: Iterable[str] = (),
    wait: bool = True,
    try_now: bool = False,
    callbacks: CallbackSettings | None = None,
) -> Outcome:
    """Run the jobs of a batch. The request is computed while open jobs are collected.

    The facts that a later run needs are saved as soon as they are known. `first_notices` are shown first. `wait`,
    `try_now` and `callbacks` are as in RunConfig.
    """
    settings, meta = batch.settings, read_meta(state.path)
    if not has_no_place(batch.path):
        state.index.record_use(ManifestFile.at(batch.path), batch.folder.resolve(), batch.name, utc_now())
    # providers of an earlier manifest may still have open tasks
    providers = known_providers(meta) | dict(batch.providers)
    used = {dialect for provider in batch.providers.values() for dialect in provider.routes}
    formats = {name: one.as_fact() for name, one in batch.formats.items() if name in used}
    facts = {
        "batch": batch.name,
        "manifest": str(batch.path.absolute()),
        "sets": list(batch.sets),
        "only": list(batch.selection.only),
        "sample": batch.selection.sample or 0,
        "limit": batch.selection.limit or 0,
        "providers": _PROVIDERS.dump_python(providers, mode="json"),
        **({"dialects": {**meta.get("dialects", {}), **formats}} if formats or "dialects" in meta else {}),
    }

    def request_and_save_facts() -> RunRequest:
        built = request()
        if any(meta.get(name) != value for name, value in facts.items()):
            state.set_meta(**facts)
        return built

    known: RunRequest | None = None
    if not any(job.state in RESUMABLE for job in jobs.values()):
        known = request_and_save_facts()
        rename_jobs(jobs, known.adopted)
        state.commit(entry for events in known.planned_events for entry in events)
        jobs.update((entry.job.id, entry.job) for events in known.planned_events for entry in events)
        known = replace(known, planned_events=(), adopted={})  # frees the memory of the old versions of the jobs
    config = RunConfig(
        folder=batch.folder,
        providers=providers,
        models=batch.models,
        keys=Credentials(batch.path.absolute().parent),
        request=(lambda: known) if known else request_and_save_facts,
        caps=build_caps(settings, limits),
        retries=settings.retries,
        moderation_retries=settings.moderation_retries,
        downloads=settings.downloads.concurrency or runner.DOWNLOADS,
        download_wait_s=settings.downloads.wait_s or runner.PATIENCE_S,
        waits_for_slots=wait,
        try_now=try_now,
        callbacks=callbacks,
    )
    definitions = {name: one.definition for name, one in batch.formats.items()}
    with DIALECTS.in_use(definitions, used):
        return run_jobs(state, jobs, config, display, first_notices=[*first_notices, meta.describe_unreadable()])


def run_jobs(
    state: StateFile, jobs: dict[str, Job], config: RunConfig, display: Display, *, first_notices: Iterable[str] = ()
) -> Outcome:
    """Run these jobs with a log and a display, and write the reports at the end, whatever happened.

    Raises UsageError if the wire format of an open job is not known.
    """
    for dialect in {job.dialect for job in jobs.values() if job.state in RESUMABLE and job.dialect}:
        _ = DIALECTS[dialect]
    paths = BatchPaths(config.folder)
    log = report.RunLog(paths.log, run=uuid4().hex[:12])
    listeners = Listeners((log, EventLogger(), display(list(jobs.values()))))  # the log comes first
    config.keys.protect(config.providers.values())
    for notice in filter(None, (*first_notices, *config.keys.problems)):
        listeners.notice(notice)
    recorder = Recorder(state, jobs, listeners, on_unrecorded=log.write_unrecorded)
    try:
        with gc_control.gc_frozen():
            return run_coroutine(runner.run(state, recorder, config, listeners))
    finally:
        if not state.taken_over():  # the other run writes them
            _write_reports(paths, recorder.jobs.values(), listeners.notice)
        listeners.close()


def _write_reports(paths: BatchPaths, jobs: Collection[Job], notice: Callable[[str], None]) -> None:
    try:  # a full disk, a file that a spreadsheet holds
        report.write_report(paths.report, jobs)
        write_refused(paths.folder, jobs)
        report.write_ledger(paths.ledger, read_attempts(paths.state))
    except OSError as exc:
        name = Path(exc.filename2 or exc.filename or paths.report).name  # of a rename, the target
        notice(f"{name} could not be written ({exc.strerror}); batchvid report writes it again")
    except StateError as exc:
        notice(f"{paths.ledger.name} could not be written ({exc}); batchvid report writes it again")
