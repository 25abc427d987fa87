"""Adopts clips under new ids: moves the files, renames the jobs in the state file. Sends nothing.

A crash at any point loses nothing: each file is linked to a staged name first, then the new ids are recorded in one
transaction, then the staged files get their final names. The next run continues with what is staged.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from batchvid import report
from batchvid.clock import utc_now
from batchvid.commands import prompt_edits
from batchvid.commands.prompt_edits import Edit
from batchvid.commands.regeneration import UNFINISHED, load_unfinished
from batchvid.domain import events as ev
from batchvid.domain.job_spec import Clip
from batchvid.domain.jobs import Job, advance
from batchvid.errors import StateError, StorageError
from batchvid.manifest import Manifest
from batchvid.paths import BatchPaths
from batchvid.planning.adoption import Adoption, Adoptions, find_adoptions, relinked_children
from batchvid.runner import RunRequest
from batchvid.state.readers import read_attempts
from batchvid.state.state_file import RecordedEvent, StateFile
from batchvid.storage import LocalStore

MAX_SHOWN = 5  # in a notice


@dataclass(frozen=True, slots=True)
class AfterAdoption:
    """The manifest with the edits of adopted jobs, and the jobs. `renamed` are the changed ones, by former id."""

    manifest: Manifest
    jobs: Mapping[str, Job]
    adoptions: Adoptions
    renamed: Mapping[str, Job] = field(default_factory=dict)

    @property
    def notices(self) -> tuple[str, ...]:
        """What is adopted, for people."""
        words = [one.words for one in self.adoptions.adopted]
        more = f" and {len(words) - MAX_SHOWN} more" if len(words) > MAX_SHOWN else ""
        return (f"adopted, not bought again: {'; '.join(words[:MAX_SHOWN])}{more}",) if words else ()


def foresee_adoptions(
    manifest: Manifest, jobs: Mapping[str, Job], emulators: Collection[str], edits: Mapping[str, Edit]
) -> AfterAdoption:
    """What a run would adopt, in memory only."""
    adoptions = find_adoptions(manifest, jobs, emulators, {job_id: edit.of for job_id, edit in edits.items()})
    if not adoptions.adopted:
        return AfterAdoption(manifest, jobs, adoptions)
    renamed = {one.job.id: advance(one.job, event_of(one)) for one in adoptions.adopted}
    renamed |= {job.id: job for job in relinked_children(adoptions.adopted, jobs.values())}
    new_ids = {one.spec.id for one in adoptions.adopted}
    kept = (renamed.get(job_id, job) for job_id, job in jobs.items() if job_id in renamed or job_id not in new_ids)
    moved = {one.spec.id: edits[one.job.id] for one in adoptions.adopted if one.job.id in edits}
    return AfterAdoption(
        manifest=prompt_edits.apply_edits(manifest, moved), jobs={job.id: job for job in kept},
        adoptions=adoptions, renamed=renamed,
    )  # fmt: skip


def adopt_clips(
    state: StateFile, jobs: Mapping[str, Job], manifest: Manifest, emulators: Collection[str]
) -> AfterAdoption:
    """Record what is adopted, and move its files. Raises StorageError or StateError; then a later run continues."""
    store = LocalStore(state.path.parent)
    _finish_moves(store, jobs.values(), (job for job in jobs.values() if job.adopted_from))
    edits = prompt_edits.load_saved(state.path.parent)
    after = foresee_adoptions(manifest, jobs, emulators, edits)
    adopted = after.adoptions.adopted
    if not adopted:
        return after
    for one in adopted:
        for old, new in zip(_clips(one.job), one.clips, strict=True):
            store.stage_move(old, new, {"job": one.spec.id, "adopted_from": one.job.id})
    new_ids = {one.job.id: one.spec.id for one in adopted}
    prompt_edits.rename(state.path.parent, new_ids)
    unfinished = load_unfinished(state.path)
    state.commit(
        [RecordedEvent(event_of(one), after.renamed[one.job.id]) for one in adopted],
        meta={UNFINISHED: {new_ids.get(job_id, job_id): n for job_id, n in unfinished.items()}} if unfinished else None,
        relinked=[job for former_id, job in after.renamed.items() if former_id == job.id],
    )
    sources = {clip.key for one in adopted for clip in _clips(one.job)}
    _finish_moves(store, after.jobs.values(), (after.jobs[one.spec.id] for one in adopted), sources)
    return after


def with_adopted(request: RunRequest, after: AfterAdoption | None) -> RunRequest:
    """The request, with what was adopted. The task of an old id that a new one waits for counts for the exit code."""
    if after is None:
        return request
    waited_for = {job.id for job in after.adoptions.waiting.values()}
    return replace(
        request,
        adopted=after.renamed,
        notices=(*after.notices, *request.notices),
        exit_code_ids=request.exit_code_ids | waited_for,
    )


def adopt_finished(state: StateFile, manifest: Manifest, emulators: Collection[str]) -> None:
    """After a run that waited for tasks of old ids: adopt what they gave, and write the reports again.

    What the disk refuses now is left to the next run.
    """
    with contextlib.suppress(StorageError, StateError, OSError):
        after = adopt_clips(state, state.jobs(), manifest, emulators)
        if after.adoptions.adopted:
            paths = BatchPaths(state.path.parent)
            report.write_report(paths.report, after.jobs.values())
            report.write_ledger(paths.ledger, read_attempts(state.path))


def _finish_moves(
    store: LocalStore, jobs: Collection[Job], adopted: Iterable[Job], sources: Collection[str] = ()
) -> None:
    """Give staged clips their final names, also those that a crash has left."""
    keys: set[str] = set()
    for job in adopted:
        keys = keys or {clip.key for other in jobs for clip in _clips(other)}
        for clip in _clips(job):
            store.finish_move(clip, keys, sources)


def event_of(one: Adoption) -> ev.Adopted:
    """The event that records an adoption."""
    first, more = (one.clips[0], one.clips[1:]) if one.clips else (None, ())
    return ev.Adopted(at=utc_now(), adopted_from=one.job.id, spec=one.spec, clip=first, more=more)


def _clips(job: Job) -> tuple[Clip, ...]:
    return (job.clip, *job.more_clips) if job.clip is not None else ()
