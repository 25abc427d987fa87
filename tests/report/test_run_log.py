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
from batchvid.report import RunLog, last_attempt
from tests.builders import ONE_OF_EACH, SECRET, STORED, WAYS, at, job_in, life, planned, started


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


class TestTheLastPaidCall:
    """What a state file is held to."""

    def test_it_is_told(self, path: Path) -> None:
        """The last SubmitStarted's job and attempt, whatever came after it, also behind a line that a kill cut."""
        log = RunLog(path)
        for job_id in ("kite", "boat"):
            for state, event in ((JobState.SUBMITTING, started()), (JobState.SUCCEEDED, STORED)):
                log(event, None, job_in(state, job_id))
        log.notice("SubmitStarted")
        log.close()
        with path.open("ab") as file:
            file.write(b'{"event": "SubmitStarted", "job": "cut')
        assert last_attempt(path) == ("boat", 1)

    @pytest.mark.parametrize("raw", [b"", b"\n\n", b"[1]\n7\nnull\n", b"\xff\xfe"])
    def test_none_is_none(self, path: Path, raw: bytes) -> None:
        """A log without one, or one that is none, tells nothing; so does one that is not there."""
        assert last_attempt(path) is None
        path.parent.mkdir()
        path.write_bytes(raw)
        assert last_attempt(path) is None
