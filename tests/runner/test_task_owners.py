"""Each task has one owner, across jobs, attempts and runs."""

from __future__ import annotations

from dataclasses import replace

from batchvid.domain import events as ev
from batchvid.domain.attempts import build_attempts
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import JobState, advance
from batchvid.runner.task_owners import TaskOwners, reopened_ids
from tests.builders import ACCEPTED, at, job_in, planned, spec, started

ORIGIN = "https://api.example"


def test_the_first_job_owns_a_task() -> None:
    """Any other one learns whose it is; the same id at another origin is another task."""
    owners = TaskOwners()
    assert owners.claim(ORIGIN, "t-1", "kite") == ""
    assert owners.claim(ORIGIN, "t-1", "boat") == "kite"
    assert owners.claim(ORIGIN, "t-1", "kite") == "kite"
    assert owners.claim("https://other.example", "t-1", "boat") == ""


def test_jobs_of_earlier_runs_own_their_tasks() -> None:
    """Those with a task, in whatever state they are."""
    running, stored = job_in(JobState.RUNNING), replace(job_in(JobState.SUCCEEDED, "boat"), task_id="t-2")
    owners = TaskOwners([running, stored, job_in(JobState.PENDING, "lamp")])
    assert [owners.claim(ORIGIN, task_id, "new") for task_id in ("t-1", "t-2", "t-3")] == ["kite", "boat", ""]


def test_a_reopened_job_owns_its_earlier_tasks() -> None:
    """Its row names none: they come from its attempts."""
    failed = ev.TaskFailed(at=at(90), kind=FailureKind.UNAVAILABLE, message="broke")
    events = [planned(), started(), ACCEPTED, failed, ev.Reopened(at=at(300), reason="retry")]
    job = None
    for event in events:
        job = advance(job, event)
    assert job is not None
    assert reopened_ids([job, job_in(JobState.RUNNING, "boat"), job_in(JobState.UNCERTAIN, "lamp")]) == ["kite"]
    owners = TaskOwners([job], build_attempts(spec(), events))
    assert owners.claim(ORIGIN, "t-1", "boat") == "kite"
