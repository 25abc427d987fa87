"""The log and the jobs tell the same story, whatever happened, and both tell what the runner had in mind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from batchvid.domain import events as ev
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.job_spec import UNPRICED
from batchvid.domain.jobs import Job, advance
from batchvid.errors import IllegalEvent
from batchvid.state.readers import read_jobs, replay
from batchvid.state.state_file import RecordedEvent, StateFile
from tests.builders import ONE_OF_EACH, at, planned, spec, started

JOB_IDS = ("kite", "boat", "灯")
MORE: tuple[ev.Event, ...] = (
    started(price=UNPRICED),
    ev.SubmitRefused(at=at(3), kind=FailureKind.INVALID, message="no such size"),
    ev.TaskFailed(at=at(90), kind=FailureKind.RATE, message="later", charged=Charged.YES, retry_at=at(120)),
    ev.TaskSucceeded(at=at(91), assets=(), actual_usd="0.31"),
)
KINDS = st.sampled_from([*ONE_OF_EACH, *MORE])
STEPS = st.lists(st.tuples(st.sampled_from(JOB_IDS), KINDS, st.booleans()), max_size=60)


def legal(steps: Iterable[tuple[str, ev.Event, bool]], jobs: dict[str, Job]) -> Iterable[tuple[RecordedEvent, bool]]:
    """Those events that can happen, each with the job after it; `jobs` are kept up to date."""
    for job_id, event, last_of_commit in steps:
        played = planned(spec(job_id, prompt=f"{job_id}!")) if isinstance(event, ev.Planned) else event
        if isinstance(event, ev.Adopted):  # under the id that it has: two histories cannot have one id
            played = replace(event, adopted_from=job_id, spec=spec(job_id, prompt=f"{job_id}!"))
        try:
            jobs[job_id] = advance(jobs.get(job_id), played)
        except IllegalEvent:
            continue
        yield RecordedEvent(played, jobs[job_id]), last_of_commit


def as_kept(job: Job) -> Job:
    """The job without the links that no file may hold."""
    return replace(job, assets=tuple(asset for asset in job.assets if asset.keyed))


@settings(max_examples=40)
@given(STEPS)
def test_any_history_is_told_alike(steps: list[tuple[str, ev.Event, bool]]) -> None:
    """Events of several jobs in any order and in commits of any size: table, log and memory agree on every field."""
    jobs: dict[str, Job] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.sqlite3"
        with StateFile(path) as state:
            open_commit: list[RecordedEvent] = []
            for entry, last_of_commit in legal(steps, jobs):
                open_commit.append(entry)
                if last_of_commit:
                    state.commit(open_commit)
                    open_commit = []
            state.commit(open_commit)
        meant = {job_id: as_kept(job) for job_id, job in jobs.items()}
        assert meant == {job.id: job for job in read_jobs(path)}
        assert meant == {job_id: as_kept(job) for job_id, job in replay(path).items()}
