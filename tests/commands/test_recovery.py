"""Task ids that only run.log holds: which of them are certainly a job's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batchvid.commands import load
from batchvid.commands.recovery import adopt_logged_tasks, build_request, recover_jobs
from batchvid.domain.jobs import Job, JobState
from batchvid.paths import BatchPaths
from batchvid.planning.plan_types import Plan
from batchvid.state.readers import read_jobs
from batchvid.state.state_file import StateFile
from tests.builders import WAYS, life, planned, state_file, steps

LOST = (steps("kite", JobState.SUBMITTING), steps("boat", JobState.UNCERTAIN), steps("crane", JobState.RUNNING))


@pytest.fixture
def paths(tmp_path: Path) -> BatchPaths:
    """A batch with an open call, a lost one, and a task `t-1` of another job."""
    state_file(BatchPaths(tmp_path).state, *LOST)
    return BatchPaths(tmp_path)


def log(paths: BatchPaths, *entries: dict[str, Any]) -> None:
    """Lines of run.log."""
    lines = [json.dumps({"event": "SubmitAccepted", "attempt": 1, "recorded": False, **entry}) for entry in entries]
    paths.log.write_text("\n".join(lines) + "\n", "utf-8")


def adopted(paths: BatchPaths) -> dict[str, str]:
    """The task ids that are adopted, by job."""
    jobs = {job.id: job for job in read_jobs(paths.state)}
    return {job_id: event.task_id for job_id, event in adopt_logged_tasks(jobs, paths).items()}


def test_open_and_lost_calls_get_their_tasks(paths: BatchPaths) -> None:
    """Both states, and the model that the vendor named; it is recorded before anything becomes uncertain."""
    log(paths, {"job": "kite", "task_id": "t-2", "model": "veo3-fast-0320"}, {"job": "boat", "task_id": "t-3"})
    assert adopted(paths) == {"kite": "t-2", "boat": "t-3"}
    notices: list[str] = []
    with StateFile(paths.state) as state:
        jobs = recover_jobs(state, notice=notices.append)
    assert {job.id: job.state for job in jobs.values()} == dict.fromkeys(("kite", "boat", "crane"), JobState.RUNNING)
    assert jobs["kite"].model_returned == "veo3-fast-0320"
    assert len(notices) == 1
    assert "2 task ids were not in the state file" in notices[0]


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([], id="nothing is known"),
        pytest.param([{"job": "kite", "task_id": "t-2", "attempt": 2}], id="another attempt"),
        pytest.param([{"job": "kite", "task_id": "t-1"}], id="the task of another job"),
        pytest.param([{"job": "kite", "task_id": "t-2"}, {"job": "boat", "task_id": "t-2"}], id="one task for two"),
        pytest.param([{"job": "kite", "task_id": "t-2"}, {"job": "kite", "task_id": "t-3"}], id="two tasks for one"),
        pytest.param([{"job": "crane", "task_id": "t-2"}], id="a job that has its task"),
        pytest.param([{"job": "nobody", "task_id": "t-2"}], id="no job of this batch"),
        pytest.param([{"job": "kite", "task_id": ""}], id="no id"),
        pytest.param([{"job": "kite", "task_id": "t-2", "attempt": "1"}], id="no line of ours"),
    ],
)
def test_what_is_not_certain_is_not_adopted(paths: BatchPaths, entries: list[dict[str, Any]]) -> None:
    """A job becomes uncertain instead, and a person decides."""
    log(paths, *entries)
    assert adopted(paths) == {}
    with StateFile(paths.state) as state:
        assert recover_jobs(state)["kite"].state is JobState.UNCERTAIN


def test_a_task_of_an_earlier_attempt_is_not_adopted_again(tmp_path: Path) -> None:
    """The event log remembers it, although no job shows it any more."""
    paths = BatchPaths(tmp_path)
    again: list[Job] = []
    with StateFile(paths.state) as state:
        state.commit(steps("kite", JobState.SUCCEEDED))
        state.commit(steps("boat", JobState.UNCERTAIN))
        again = [replace(job, task_id="") if job.id == "kite" else job for job in state.jobs().values()]
    log(paths, {"job": "boat", "task_id": "t-1"})
    assert adopt_logged_tasks({job.id: job for job in again}, paths) == {}


def test_links_that_the_state_file_has_without_their_queries(tmp_path: Path) -> None:
    """A task of an earlier run may be bought again with the whole link, which the manifest has."""
    link = "https://cdn.example/a.png?Signature=abc123"
    (tmp_path / "kites.yaml").write_text(
        f"batch: kites\ndefaults: {{model: kling-v2-6, prompt: a kite}}\nclips: [{{id: kite, image: '{link}'}}, boat]\n"
        .replace("boat", "{id: boat}"), "utf-8",
    )  # fmt: skip
    manifest = load(tmp_path / "kites.yaml", out=tmp_path).manifest
    lives = [life(planned(placed.spec), *WAYS[JobState.RUNNING]) for placed in manifest.jobs]
    jobs = {job.id: job for job in read_jobs(state_file(BatchPaths(tmp_path).state, *lives))}
    assert jobs["kite"].spec.request.images[0].source == "https://cdn.example/a.png?..."
    request = build_request(manifest, jobs, Plan(()), "run", buy=True)
    assert request.retryable_ids == {"kite", "boat"}
    assert {name: inputs["images"][0].source for name, inputs in request.inputs.items()} == {"kite": link}
