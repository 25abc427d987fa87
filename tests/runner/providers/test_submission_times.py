"""Until when a provider takes no submits, out of the refusals of earlier runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job, JobState
from batchvid.runner.providers.submission_times import describe_time, is_too_long, requested_wait_s, resume_times
from tests.builders import at, job_in


def refused(wait_s: float, **changes: object) -> Job:
    """A pending job whose paid call at the start of the evening was refused with such a wait."""
    given = {"submitted_at": at(0), "retry_at": at(wait_s), "kind": FailureKind.RATE, **changes}
    return replace(job_in(JobState.PENDING), **given)  # type: ignore[arg-type]


def test_more_than_an_hour_is_too_long() -> None:
    """That is the border between a pause and a stop."""
    assert [is_too_long(wait_s) for wait_s in (None, 0.0, 3600.0, 3600.1)] == [False, False, False, True]


def test_the_latest_time_of_a_provider_counts() -> None:
    """Each provider has its own."""
    other = refused(7200, spec=replace(job_in(JobState.PENDING).spec, provider="office"))
    assert resume_times([refused(50_000), refused(60_000), other], at(10)) == {
        "cometapi": at(60_000),
        "office": at(7200),
    }


@pytest.mark.parametrize(
    "job",
    [
        refused(3000),
        refused(50_000, retry_at=None),
        refused(50_000, kind=FailureKind.INVALID),
        refused(50_000, state=JobState.FAILED),
        refused(40 * 86_400),
    ],
)
def test_other_waits_bind_no_later_run(job: Job) -> None:
    """Short ones, other kinds, jobs that are not pending, and times that no quota has."""
    assert resume_times([job], at(10)) == {}


def test_a_time_that_has_passed_binds_nobody() -> None:
    """The run after the reset begins as usual."""
    assert resume_times([refused(50_000)], at(50_000)) == {}


def test_a_clock_that_was_set_back_makes_no_long_wait() -> None:
    """A short wait stays short: it is measured from the call."""
    job = refused(60)
    assert requested_wait_s(job) == 60
    assert resume_times([job], at(-86_400)) == {}


def test_the_time_is_rounded_up_to_the_minute() -> None:
    """A submit at the time shown is not too early."""
    zone = datetime(2026, 3, 1, 20, 0, 1, tzinfo=UTC) + timedelta(0)
    assert describe_time(zone) == "2026-03-01 20:01 UTC"
    assert describe_time(at(0)) == "2026-03-01 20:00 UTC"
