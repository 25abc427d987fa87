"""Stores a rejected file as a job's clip, on the user's word. Buys and fetches nothing."""

from __future__ import annotations

from pathlib import Path

from batchvid import report
from batchvid.commands.recovery import recover_jobs
from batchvid.domain import events as ev
from batchvid.domain.job_spec import Clip
from batchvid.domain.jobs import Job, JobState, may_still_finish
from batchvid.errors import DownloadError, UsageError
from batchvid.paths import BatchPaths
from batchvid.runner import utc_now
from batchvid.runner.downloads.differences import expected_of, find_differences
from batchvid.runner.downloads.sidecar import build_sidecar
from batchvid.runner.downloads.store_clip import describe, put_clip
from batchvid.state.readers import read_attempts
from batchvid.state.state_file import StateFile, record_offline
from batchvid.storage import LocalStore
from batchvid.storage.clip_names import output_key
from batchvid.storage.local import file_digest
from batchvid.storage.video_probe import probe

MAX_OUTPUTS = 20  # of one task, whose rejected files are looked for


def accept(folder: Path, job_id: str, *, file_name: str = "") -> Job:
    """Store the job's rejected file as its clip; `file_name` selects one of several.

    Raises UsageError when the job has no such file, when the file does not play, or when the job's task failed.
    """
    paths = BatchPaths(folder)
    with StateFile(paths.state) as state:
        jobs = recover_jobs(state)
        job = jobs.get(job_id)
        if job is None:
            raise UsageError(f"there is no job {job_id!r} in {paths.state}")
        if not (job.state is JobState.READY or (job.state is JobState.FAILED and may_still_finish(job))):
            raise UsageError(f"job {job_id} is {job.state}: only a finished clip that was not stored can be accepted")
        store = LocalStore(folder)
        taken = {other.spec.key.casefold() for other in jobs.values()}
        keys = [output_key(job.spec.key, number, taken) for number in range(1, MAX_OUTPUTS + 1)]
        key, rejected = _choose(store, job, [job.spec.key, *keys], file_name)
        clip = _store(store, job, key, rejected)
        more = [stored for other in keys if other != key and (stored := store.find(other, job.task_id))]
        events: list[ev.Event] = [ev.ClipStored(at=utc_now(), clip=clip, more=tuple(more))]
        if job.state is JobState.FAILED:
            finished = ev.TaskSucceeded(at=utc_now(), assets=(), vendor_metadata=job.vendor_metadata)
            events = [ev.PollResumed(at=utc_now()), finished, *events]
        after = record_offline(state, jobs, [(job_id, event) for event in events])
        report.write_report(paths.report, after.values())
        report.write_ledger(paths.ledger, read_attempts(state.path))
        return after[job_id]


def _choose(store: LocalStore, job: Job, keys: list[str], file_name: str) -> tuple[str, Path]:
    """The rejected file of that name, or the only one, with the planned key of its clip."""
    files = [(key, path) for key in keys for path in store.rejected(key)]
    names = ", ".join(path.name for _, path in files)
    if not files:
        raise UsageError(f"job {job.id} has no rejected file beside {store.path(job.spec.key)}")
    if file_name:
        files = [(key, path) for key, path in files if path.name == file_name]
        if not files:
            raise UsageError(f"job {job.id} has no rejected file {file_name!r}; there are: {names}")
    elif len(files) > 1:
        raise UsageError(f"job {job.id} has several rejected files: {names}. Name one with --file")
    return files[0]


def _store(store: LocalStore, job: Job, key: str, rejected: Path) -> Clip:
    try:
        found = probe(rejected, accept_incomplete=True)
    except DownloadError as exc:
        raise UsageError(f"{rejected.name} does not play, and is not stored: {exc}") from exc
    try:
        differs = find_differences(expected_of(job), found)
    except DownloadError as exc:  # the manifest's wish, which the user overrides
        differs = str(exc)
    if not found.is_whole:
        differs = "; ".join(filter(None, (differs, "the file is incomplete")))
    clip = describe(key, found, rejected.stat().st_size, file_digest(rejected), differs)
    put_clip(store, rejected, clip, {**build_sidecar(job), "task_id": job.task_id, "accepted": True})
    return clip
