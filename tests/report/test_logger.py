"""Standard logging: one record an event with its fields, no output unless the application configures a handler."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import JobState
from batchvid.report.logger import EventLogger
from tests.builders import ACCEPTED, ONE_OF_EACH, SECRET, STORED, WAYS, at, job_in, life, planned, started

SILENT = """
from batchvid.report.logger import EventLogger
{setup}
EventLogger().notice("the disk is full")
"""


@pytest.fixture(autouse=True)
def _at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="batchvid")


def log(event: ev.Event, state: JobState = JobState.RUNNING) -> None:
    """One event of a job in that state."""
    EventLogger()(event, None, job_in(state))


def test_a_job_is_a_record_per_event(caplog: pytest.LogCaptureFixture) -> None:
    """Each record names the event, the job, the attempt, the task and the state, as text and as attributes."""
    before = None
    for entry in life(planned(), *WAYS[JobState.SUCCEEDED]):
        EventLogger()(entry.event, before, entry.job)
        before = entry.job
    records = caplog.records
    assert {record.name for record in records} == {"batchvid"}
    assert {record.levelno for record in records} == {logging.INFO}
    assert [vars(record)["event"] for record in records] == [
        *("Planned", "SubmitStarted", "SubmitAccepted", "TaskSucceeded", "ClipStored"),
    ]
    assert [vars(record)["state"] for record in records] == ["pending", "submitting", "running", "ready", "succeeded"]
    assert records[2].getMessage() == (
        "event=SubmitAccepted job_id=kite provider=cometapi attempt=1 task_id=t-1 state=running"
    )
    assert vars(records[2])["task_id"] == "t-1"
    assert "task_id" not in records[1].getMessage()


@pytest.mark.parametrize(
    "event",
    [
        ev.SubmitRefused(at=at(3), kind=FailureKind.RATE, message="slow down", retry_at=at(60)),
        ev.SubmitLost(at=at(3), message="the connection was reset"),
        ev.TaskFailed(at=at(90), kind=FailureKind.UNAVAILABLE, message="broke"),
        ev.LinkExpired(at=at(100), message="the link answers 403"),
        ev.GaveUp(at=at(200), kind=FailureKind.TIMEOUT, message="no verdict within 3600 s"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_trouble_is_a_warning_with_its_reason(event: ev.Event, caplog: pytest.LogCaptureFixture) -> None:
    """Also where the job is tried again: kind and message are in the text."""
    log(event)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"message={vars_of(event)['message']!r}" in record.getMessage()
    if "kind" in vars_of(event):
        assert f"kind={vars_of(event)['kind']}" in record.getMessage()


def vars_of(event: ev.Event) -> dict[str, object]:
    """The fields of an event, which has slots."""
    return {name: getattr(event, name) for name in ("kind", "message") if hasattr(event, name)}


@pytest.mark.parametrize("event", [started(), ACCEPTED, STORED, ev.LinkExpired(at=at(1), message="old", dead=False)])
def test_the_ordinary_course_is_information(event: ev.Event, caplog: pytest.LogCaptureFixture) -> None:
    """Links that are merely not kept between runs are no trouble."""
    log(event)
    assert [record.levelno for record in caplog.records] == [logging.INFO]


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_every_event_makes_one_record_without_links(event: ev.Event, caplog: pytest.LogCaptureFixture) -> None:
    """No signed link is in the text or the attributes; progress makes no record."""
    for state in JobState:
        log(event, state)
    assert len(caplog.records) == (0 if isinstance(event, ev.Progressed) else len(JobState))
    assert all(SECRET not in str(vars(record)) for record in caplog.records)


def test_messages_are_one_line_without_links(caplog: pytest.LogCaptureFixture) -> None:
    """A vendor's message cannot forge a second record or carry a signed link."""
    message = f"see https://cdn.example/a.mp4?Signature={SECRET}\nWARNING forged"
    log(ev.SubmitLost(at=at(3), message=message))
    EventLogger().notice(message)
    for record in caplog.records:
        assert SECRET not in record.getMessage()
        assert "\n" not in record.getMessage()


def test_a_notice_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It has no job and no event."""
    logger = EventLogger()
    logger.notice("the disk is full: 100 % used")
    logger.tick()
    logger.close()
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.WARNING, "the disk is full: 100 % used")
    assert not hasattr(record, "event")


def test_the_level_is_the_applications(caplog: pytest.LogCaptureFixture) -> None:
    """At WARNING the ordinary course makes no record."""
    caplog.set_level(logging.WARNING, logger="batchvid")
    log(STORED)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("setup", "output"),
    [("", ""), ("import logging; logging.basicConfig()", "WARNING:batchvid:the disk is full\n")],
)
def test_there_is_output_only_on_request(setup: str, output: str) -> None:
    """Without a configured handler not even a warning is written to standard error."""
    done = subprocess.run(
        [sys.executable, "-c", SILENT.format(setup=setup)], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", output)
