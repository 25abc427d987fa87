"""Which task of a provider's answer is certainly that of a lost submit. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from batchvid.domain.jobs import Job, JobState
from batchvid.domain.origins import same_origin
from batchvid.domain.wire import Candidate
from batchvid.redaction import redact

MAX_CLOCK_SKEW_S = 120.0
MAX_CREATION_DELAY_S = 600.0  # a gateway may try its channels for minutes before one accepts the task
MAX_CANDIDATES = 10  # tasks that are shown to a person
MAX_PROMPT_CHARS = 80  # of a task that is shown
EPOCH = datetime.fromtimestamp(0, UTC)


def matching_tasks(job: Job, candidates: Iterable[Candidate], jobs: Iterable[Job], *, exact: bool) -> list[Candidate]:
    """The candidates that may be this job's task. Only a single one is a match.

    An `exact` lookup used our own id: its result matches unless it has another id. Otherwise model, prompt and time
    must agree, and no other job may own the task. The match is rejected if another job, or an earlier attempt, could
    own an identical task. Only lost submits of identical requests may share their tasks: with as many tasks as
    submits, each gets one, in the order of time.
    """
    if exact:
        return [candidate for candidate in candidates if candidate.external_id in ("", job.external_id)]
    candidates = list(candidates)
    similar = [candidate for candidate in candidates if _is_similar(job, candidate)]
    if not similar:
        return []
    key, others = _match_key(job), [other for other in jobs if other.id != job.id]
    twins = [other for other in others if _match_key(other) == key]
    owned = {other.task_id for other in others}
    unclaimed = [candidate for candidate in candidates if candidate.task_id not in owned]
    if shared := _shared_out(job, twins, unclaimed):
        return [shared]
    other_owners = job.tasks + sum(
        other.tasks - bool(other.task_id) + (other.state in (JobState.UNCERTAIN, JobState.SUBMITTING))
        for other in twins
    )
    return [candidate for candidate in similar if candidate.task_id not in owned] * (1 + other_owners)


def tasks_by_model(job: Job, candidates: Iterable[Candidate], others: Iterable[Job] | None) -> list[Candidate]:
    """The candidates that may be this job's task, in a list without prompts. Only a single one is a match.

    The candidates belong to no other job. One is a match if it is the only one of the model from the time of the call,
    and the job the only lost submit of the model in that time, among all `others` (None: not known). A task without a
    model or time may be of any.
    """
    found = [
        one
        for one in candidates
        if one.model in ("", job.model_sent) and (one.created_at is None or _in_time(job, one))
    ]
    certain = others is not None and all(one.model and one.created_at for one in found)
    earlier = job.committed_attempts > job.tasks + 1
    if certain and not earlier and not any(_may_own_like(job, other) for other in others or ()):
        return found
    return found * 2


def _may_own_like(job: Job, other: Job) -> bool:
    """Whether a task of the same model and time may be that of the other job, although it does not know it."""
    if other.model_sent != job.model_sent or not same_origin(other.origin, job.origin):
        return False
    if other.state not in (JobState.UNCERTAIN, JobState.SUBMITTING):
        return other.committed_attempts > other.tasks  # an earlier attempt without a verdict
    if other.committed_attempts > other.tasks + 1 or other.submitted_at is None or job.submitted_at is None:
        return True
    return abs((other.submitted_at - job.submitted_at).total_seconds()) <= MAX_CLOCK_SKEW_S + MAX_CREATION_DELAY_S


def unclaimed_tasks(job: Job, candidates: Iterable[Candidate], jobs: Iterable[Job]) -> tuple[Candidate, ...]:
    """The tasks that a person may compare with a lost submit: no job owns them, the most similar come first."""
    owned = {other.task_id for other in jobs}
    found = [one for one in candidates if one.task_id not in owned and (one.created_at is None or _in_time(job, one))]
    found.sort(key=lambda one: (not _is_similar(job, one), one.model != job.model_sent, one.task_id))
    return tuple(replace(one, prompt=redact(one.prompt)[:MAX_PROMPT_CHARS]) for one in found[:MAX_CANDIDATES])


def _is_interchangeable(job: Job, other: Job) -> bool:
    """Whether a clip of one is as good for the other: all settings agree, and it was sent to the same place."""
    one, another = job.spec, other.spec
    return (one.request, one.parent, job.origin, job.billed_duration_s) == (
        another.request, another.parent, other.origin, other.billed_duration_s,
    )  # fmt: skip


def _shared_out(job: Job, twins: Iterable[Job], unclaimed: Iterable[Candidate]) -> Candidate | None:
    """The task of this job if there are as many tasks as lost submits; the order is the same for each of them.

    None if one of the tasks may be another's: of a request with other settings, of a call that is out, or of an earlier
    attempt that was given up without a verdict.
    """
    lost = sorted(
        (job, *(twin for twin in twins if twin.state is JobState.UNCERTAIN)),
        key=lambda one: (one.submitted_at or EPOCH, one.id),
    )
    if len(lost) == 1 or not all(_is_interchangeable(job, one) and one.attempts == 1 and not one.tasks for one in lost):
        return None
    others = (twin for twin in twins if twin.state is not JobState.UNCERTAIN)
    if any(other.tasks > bool(other.task_id) or other.committed_attempts > other.tasks for other in others):
        return None
    similar = [candidate for candidate in unclaimed if any(_is_similar(one, candidate) for one in lost)]
    tasks = sorted(similar, key=lambda one: (one.created_at or EPOCH, one.task_id))
    if len(tasks) != len(lost) or not all(map(_is_similar, lost, tasks)):
        return None
    return tasks[lost.index(job)]


def _match_key(job: Job) -> tuple[str, str, str]:
    return job.spec.provider, job.model_sent, job.spec.request.prompt


def _in_time(job: Job, candidate: Candidate) -> bool:
    if candidate.created_at is None or job.submitted_at is None:
        return False
    age = candidate.created_at - job.submitted_at
    return timedelta(seconds=-MAX_CLOCK_SKEW_S) <= age <= timedelta(seconds=MAX_CREATION_DELAY_S)


def _is_similar(job: Job, candidate: Candidate) -> bool:
    return (
        _in_time(job, candidate)
        and candidate.model == job.model_sent
        and candidate.prompt.strip() == job.spec.request.prompt.strip() != ""
    )
