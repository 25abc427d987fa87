"""One identity per clip: a job that left the manifest gives its clip to a new job with the same request. Pure.

Only the id changed then: `takes: 1 -> 2`, an axis of a matrix, the name of an entry. Each clip serves one job, so of
two takes with equal requests one is bought. A job that is still in the manifest keeps its clip, selected or not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from batchvid.domain.job_spec import Clip, JobSpec
from batchvid.domain.jobs import PAID_AND_OPEN, Job, JobState
from batchvid.manifest import Manifest
from batchvid.planning.rehearsals import is_only_rehearsed
from batchvid.storage.clip_names import output_key

LAST = datetime.max.replace(tzinfo=UTC)
ORDER = (
    JobState.SUCCEEDED,
    JobState.READY,
    JobState.RUNNING,
    JobState.SUBMITTING,
    JobState.UNCERTAIN,
    JobState.PENDING,
    JobState.FAILED,
)
"""Which job gives its clip first; of one state, the one that was stored or sent first."""
WAITS = PAID_AND_OPEN | {JobState.UNCERTAIN}
"""The states in which a job keeps its id: the clip is adopted once it is stored."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """`job` left the manifest; `spec` is the new job with the same request, which takes over its clip and its history.

    `clips` are its clips with their new keys.
    """

    job: Job
    spec: JobSpec
    clips: tuple[Clip, ...] = ()

    @property
    def words(self) -> str:
        """`kite -> kite_t1, same request`."""
        return f"{self.job.id} -> {self.spec.id}, same request"


@dataclass(frozen=True, slots=True)
class Adoptions:
    """What is adopted, and which new jobs wait for the task of an old one, by the new id."""

    adopted: tuple[Adoption, ...] = ()
    waiting: Mapping[str, Job] = field(default_factory=dict)


NONE = Adoptions()


def find_adoptions(
    manifest: Manifest, jobs: Mapping[str, Job], emulators: Collection[str], edits: Mapping[str, str]
) -> Adoptions:
    """The adoptions for the selected jobs of the manifest. If it is not complete, they wait.

    `edits` are the fingerprints before an edit, by the id of the edited job. A rehearsal is only adopted by a job that
    is a rehearsal too.
    """
    removed = [job for job in jobs.values() if job.id not in manifest.all_ids and _has_something(job)]
    if not removed:
        return NONE
    open_parents = {job.spec.parent for job in jobs.values() if job.state in WAITS}
    offers: dict[str, list[Job]] = {}
    for job in sorted(removed, key=_rank):
        offers.setdefault(job.spec.fingerprint, []).append(job)
        before = edits.get(job.id, "")
        if before and job.spec.fingerprint.startswith(f"{before}+"):  # the edit goes with the clip
            offers.setdefault(before, []).append(job)
    taken: dict[str, str] = {}  # new ids by the old ones
    keys = {job.spec.key.casefold() for job in jobs.values()}
    adopted: list[Adoption] = []
    waiting: dict[str, Job] = {}
    for spec in _parents_first(placed.spec for placed in manifest.jobs):
        if not _may_adopt(jobs.get(spec.id)):
            continue
        for job in offers.get(spec.fingerprint, ()):
            is_same = taken.get(job.spec.parent, job.spec.parent) == spec.parent
            if job.id in taken or not is_same or (is_only_rehearsed(job) and spec.provider not in emulators):
                continue
            taken[job.id] = spec.id
            # a table that was not fetched may still hold the old job
            if job.state in WAITS or job.id in open_parents or not manifest.is_complete:
                waiting[spec.id] = job
            else:
                adopted.append(Adoption(job, _adopted_spec(job, spec), _moved_clips(job, spec, keys)))
            break
    return Adoptions(tuple(adopted), waiting)


def relinked_children(adopted: Iterable[Adoption], jobs: Iterable[Job]) -> list[Job]:
    """The other jobs whose parent has a new id, with that id."""
    new_ids = {one.job.id: one.spec.id for one in adopted}
    return [
        replace(job, spec=replace(job.spec, parent=new_ids[job.spec.parent]))
        for job in jobs
        if job.spec.parent in new_ids and job.id not in new_ids
    ]


def describe_waiting(job: Job) -> str:
    """Why a new job is not bought, given the old job with the same request."""
    if job.state is JobState.UNCERTAIN:
        return f"{job.id} is the same request and may be paid for: batchvid resolve {job.id}"
    if job.state not in WAITS:
        return f"{job.id} is the same request; its id, or that of a child, may be in use until the next run"
    task = f" as task {job.task_id}" if job.task_id else ""
    return f"waits for {job.id}, which is the same request ({job.state}{task})"


def _has_something(job: Job) -> bool:
    """Whether a new job could use what this one has: a clip, a task, or a failure that is not to be repeated."""
    return job.state is not JobState.PENDING or job.clip is not None


def _may_adopt(job: Job | None) -> bool:
    return job is None or (job.state is JobState.PENDING and not job.attempts and job.clip is None)


def _rank(job: Job) -> tuple[bool, int, datetime]:
    return is_only_rehearsed(job), ORDER.index(job.state), job.stored_at or job.submitted_at or LAST


def _parents_first(specs: Iterable[JobSpec]) -> list[JobSpec]:
    """The specs in their order, those with a parent after it."""
    by_id = {spec.id: spec for spec in specs}

    def depth(spec: JobSpec) -> int:
        steps = 0
        while spec.parent in by_id and steps < len(by_id):
            spec, steps = by_id[spec.parent], steps + 1
        return steps

    return sorted(by_id.values(), key=depth)


def _adopted_spec(job: Job, spec: JobSpec) -> JobSpec:
    """The new job: its names are those of the manifest, its request and its tags those that were bought."""
    key = spec.key if job.clip is not None else job.spec.key
    return replace(
        job.spec,
        id=spec.id,
        entry=spec.entry,
        take=spec.take,
        parent=spec.parent,
        key=key,
        variables=spec.variables,
        row=spec.row,
    )


def _moved_clips(job: Job, spec: JobSpec, keys: Collection[str]) -> tuple[Clip, ...]:
    """The clips of the old job with the keys of the new one; several of one task are numbered."""
    clips = (job.clip, *job.more_clips) if job.clip is not None else ()
    if len(clips) == 1:
        return (_with_key(clips[0], spec.key),)
    return tuple(_with_key(clip, output_key(spec.key, number, keys)) for number, clip in enumerate(clips, start=1))


def _with_key(clip: Clip, key: str) -> Clip:
    return replace(clip, key=str(PurePosixPath(key).with_suffix(PurePosixPath(clip.key).suffix)))
