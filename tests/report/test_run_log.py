"""run.log: one JSON object a line, the events' own names, and nothing in it that is worth money."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import JobState, advance
from batchvid.report import RunLog
from batchvid.report.logged_purchases import logged_attempts, logged_tasks
from tests.builders import ONE_OF_EACH, SECRET, STORED, WAYS, at, job_in, life, planned, spec, started

REOPENED = ev.Reopened(at=at(300), reason="regenerate")


def lines(path: Path) -> list[dict[str, Any]]:
    """What a script reads."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log is to be, in a folder that is not there yet."""
    return tmp_path / "spring" / "run.log"


def test_a_life_is_a_line_an_event(path: Path) -> None:
    """Each line names the event, the job, its provider, attempt, task and state, and its run."""
    log = RunLog(path, run="r-1")
    before = None
    for entry in life(planned(), *WAYS[JobState.SUCCEEDED]):
        log(entry.event, before, entry.job)
        before = entry.job
    log.close()
    entries = lines(path)
    assert [line["event"] for line in entries] == [
        *("Planned", "SubmitStarted", "SubmitAccepted", "TaskSucceeded", "ClipStored"),
    ]
    assert {line["run"] for line in entries} == {"r-1"}
    assert {(line["job"], line["provider"]) for line in entries} == {("kite", "cometapi")}
    assert [line["state"] for line in entries] == ["pending", "submitting", "running", "ready", "succeeded"]
    assert [line["task_id"] for line in entries] == [None, None, "t-1", "t-1", "t-1"]
    assert [line["attempt"] for line in entries] == [0, 1, 1, 1, 1]
    assert entries[1]["price"] == {"usd": "0.10", "basis": "estimate: a list"}
    assert [line["took_s"] for line in entries] == [None, None, 1.0, 88.0, 5.0]
    assert entries[-1]["clip"]["sha256"] == "ab" * 32
    assert all(datetime.fromisoformat(line["at"]).tzinfo is not None for line in entries)


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_every_event_makes_one_safe_line(path: Path, event: ev.Event) -> None:
    """Whatever happens, the line is JSON and holds no signed link; mere progress makes none."""
    log = RunLog(path)
    for state in JobState:
        log(event, None, job_in(state))
    log.close()
    raw = path.read_text("utf-8")
    assert len(lines(path)) == (0 if isinstance(event, ev.Progressed) else len(JobState))
    assert SECRET not in raw


def test_a_hostile_message_stays_in_its_line(path: Path) -> None:
    """Line breaks and quotes of a vendor's message do not make lines of their own."""
    hostile = 'no"}\n{"event": "ClipStored", "job": "x"}\r\n\x1b[2J 夕阳'
    log = RunLog(path)
    failed = ev.GaveUp(at=at(), kind=FailureKind.INVALID, message=hostile)
    log(failed, None, advance(job_in(JobState.PENDING), failed))
    log.notice(hostile)
    log.close()
    entries = lines(path)
    assert [(line["event"], line.get("message") or line["text"]) for line in entries] == [
        ("GaveUp", hostile),
        ("Notice", hostile),
    ]


def test_a_new_run_is_written_behind_the_last(path: Path) -> None:
    """The log of the night before is still there in the morning."""
    for run in ("one", "two"):
        log = RunLog(path, run=run)
        log(STORED, None, job_in(JobState.SUCCEEDED))
        log.close()
    assert [line["run"] for line in lines(path)] == ["one", "two"]


def test_an_event_that_could_not_be_recorded_is_marked(path: Path) -> None:
    """The state file cannot be written: the line holds the task id, and says that the state file does not."""
    log = RunLog(path)
    accepted = life(planned(), *WAYS[JobState.RUNNING])[-1]
    log.write_unrecorded(accepted.event, accepted.job)
    (line,) = lines(path)  # before the log is closed: it is the only copy
    assert (line["event"], line["recorded"], line["task_id"], line["attempt"]) == ("SubmitAccepted", False, "t-1", 1)
    log.close()


class TestWhatTheLogProves:
    """`logged_attempts` and `logged_tasks`."""

    def test_every_paid_call_is_found(self, path: Path) -> None:
        """The last attempt of each job, wherever it stands, also beside a line that a kill cut."""
        log = RunLog(path)
        for job_id in ("kite", "boat"):
            for entry in life(planned(spec(job_id)), *WAYS[JobState.SUCCEEDED]):
                log(entry.event, None, entry.job)
        again = advance(advance(job_in(JobState.SUCCEEDED), REOPENED), started())
        log(started(), None, again)
        for _ in range(3000):
            log.notice("SubmitStarted " + "x" * 500)
        log.close()
        with path.open("ab") as file:
            file.write(b'{"event": "SubmitStarted", "job": "cut')
        assert logged_attempts(path) == {"kite": 2, "boat": 1}
        assert logged_tasks(path, {"boat"}) == [("boat", 1, "t-1", "veo3-fast-0320", False)]

    def test_a_call_that_was_not_recorded_was_not_sent(self, path: Path) -> None:
        """An intent that the state file refused is no paid call; an answer that it refused is a task."""
        log = RunLog(path)
        for entry in life(planned(), *WAYS[JobState.RUNNING]):
            log.write_unrecorded(entry.event, entry.job)
        log.close()
        assert logged_attempts(path) == {}
        assert [task.task_id for task in logged_tasks(path, {"kite"})] == ["t-1"]

    @pytest.mark.parametrize(
        "raw", [b"", b"\n\n", b'[1]\n7\nnull\n"SubmitStarted"\n', b"\xff\xfe", b'{"event":"SubmitStarted","job":7}\n']
    )
    def test_none_is_none(self, path: Path, raw: bytes) -> None:
        """A log without one, or one that is none, proves nothing; so does one that is not there."""
        assert logged_attempts(path) == {}
        path.parent.mkdir()
        path.write_bytes(raw)
        assert (logged_attempts(path), logged_tasks(path, {"kite"})) == ({}, [])
