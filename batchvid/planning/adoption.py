"""One identity per clip: a new job takes the clip of an old one with the same request. Pure.

Only the id changed then: `takes: 1 -> 2`, an axis of a matrix, the name of an entry. Each clip serves one job, so of
two takes with equal requests one is bought. A job whose id is still in the manifest keeps its clip, selected or not,
unless the id has another request now: ids were swapped, or a row was inserted where row numbers are ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
    """`job` has another id now: `spec` is the new job with the same request, which takes its clip and its history.

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
    moved = _clips_of_other_requests(manifest, jobs, edits)
    if not removed and not moved:
        return NONE
    open_parents = {job.spec.parent for job in jobs.values() if job.state in WAITS}
    offers: dict[str, list[Job]] = {}
    for job in sorted(removed, key=_rank):
        offers.setdefault(job.spec.fingerprint, []).append(job)
        before = edits.get(job.id, "")
        if before and job.spec.fingerprint.startswith(f"{before}+"):  # the edit goes with the clip
            offers.setdefault(before, []).append(job)
    for job in sorted(moved.values(), key=_rank):  # after those that left the manifest
        if job.id not in open_parents:
            offers.setdefault(job.spec.fingerprint, []).append(job)
    blocked: set[str] = set()
    while True:
        found = _match(manifest, jobs, emulators, offers, moved.keys() - blocked, open_parents)
        clashes = _clashes(found, jobs)
        if not clashes:
            return found
        blocked |= clashes


def _match(
    manifest: Manifest,
    jobs: Mapping[str, Job],
    emulators: Collection[str],
    offers: Mapping[str, Sequence[Job]],
    moved: Collection[str],
    open_parents: Collection[str],
) -> Adoptions:
    """The first offer that fits each new job. The ids of `moved` are new jobs too: their own clips may be adopted."""
    taken: dict[str, str] = {}  # new ids by the old ones
    keys = {job.spec.key.casefold() for job in jobs.values()}
    adopted: list[Adoption] = []
    waiting: dict[str, Job] = {}
    for spec in _parents_first(placed.spec for placed in manifest.jobs):
        if not _may_adopt(jobs.get(spec.id)) and spec.id not in moved:
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


def _clashes(found: Adoptions, jobs: Mapping[str, Job]) -> set[str]:
    """The new ids that already have a clip which is not adopted by another one: it must not lose its id."""
    clashes: set[str] = set()
    old_ids = {one.spec.id: one.job.id for one in found.adopted}
    given = set(old_ids.values())
    unclear = [new_id for new_id in (*old_ids, *found.waiting) if not _may_adopt(jobs.get(new_id))]
    while unclear:
        new_id = unclear.pop()
        if new_id not in given and new_id not in clashes:
            clashes.add(new_id)
            old_id = old_ids.get(new_id, "")  # it keeps its own id then
            given.discard(old_id)
            if old_id in old_ids or old_id in found.waiting:
                unclear.append(old_id)
    return clashes


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


def _clips_of_other_requests(manifest: Manifest, jobs: Mapping[str, Job], edits: Collection[str]) -> dict[str, Job]:
    """The selected jobs whose stored clip is of another request than their id has in the manifest, by id."""
    if not manifest.is_complete:
        return {}
    return {
        job.id: job
        for placed in manifest.jobs
        if (job := jobs.get(placed.spec.id)) is not None
        and job.state is JobState.SUCCEEDED
        and job.spec.fingerprint != placed.spec.fingerprint
        and job.id not in edits
    }


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
