"""What a refused or lost submit does to its provider: it stops, until a time or for good, or it pauses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from batchvid.clock import utc_now
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Rejected, Uncertain
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.retry_policy import MAX_REFUSALS
from batchvid.runner.submission.refusals import record_refusal
from batchvid.runner.submission.repeated_replies import after_lost_submit
from batchvid.runner.submission.requested_waits import apply_requested_waits, retry_delay_s
from tests.builders import job_in, started
from tests.runner.downloads.downloader_harness import DownloaderHarness, open_harness

CALL = "POST https://gw.example/v1/videos"


@pytest.fixture
async def at_work(tmp_path: Path) -> AsyncIterator[DownloaderHarness]:
    """A run with one paid call out."""
    async with open_harness(tmp_path, job_in(JobState.SUBMITTING)) as harness:
        yield harness


def provider(at_work: DownloaderHarness) -> ProviderState:
    """Its provider."""
    return at_work.context.provider_states["cometapi"]


async def refuse(at_work: DownloaderHarness, refusal: Rejected) -> tuple[Job, float | None]:
    """The call is refused."""
    return await record_refusal(at_work.context, provider(at_work), at_work.context.job("kite"), refusal, CALL)


async def test_a_provider_wide_refusal_stops_the_provider_and_not_the_job(at_work: DownloaderHarness) -> None:
    """The job is pending and nothing is committed; one line has method, URL, status and words."""
    refusal = Rejected(kind=FailureKind.INVALID, message="error code: 1010", http_status=403, provider_wide=True)
    job, delay_s = await refuse(at_work, refusal)
    assert (job.state, delay_s, job.committed_attempts) == (JobState.PENDING, None, 0)
    assert provider(at_work).stop_reason == f"{CALL}: HTTP 403: error code: 1010"
    assert at_work.notices == [f"cometapi is stopped (invalid): {CALL}: HTTP 403: error code: 1010"]


@pytest.mark.parametrize("kind", [FailureKind.RATE, FailureKind.CONCURRENCY, FailureKind.UNAVAILABLE])
async def test_a_wait_of_hours_stops_the_provider_until_then(at_work: DownloaderHarness, kind: FailureKind) -> None:
    """The job keeps the time, so that the next run knows it; the line names it."""
    job, delay_s = await refuse(at_work, Rejected(kind=kind, message="quota", http_status=429, retry_after_s=7200.0))
    assert (job.state, delay_s) == (JobState.PENDING, None)
    assert job.retry_at is not None
    assert timedelta(minutes=119) < job.retry_at - utc_now() <= timedelta(minutes=120)
    assert provider(at_work).resume_at == job.retry_at
    assert "HTTP 429: quota; not before 20" in job.message
    assert len(at_work.notices) == 1


@pytest.mark.parametrize("kind", [FailureKind.RATE, FailureKind.CONCURRENCY])
async def test_the_last_try_of_a_rate_stops_the_provider_and_not_the_job(
    at_work: DownloaderHarness, kind: FailureKind
) -> None:
    """Only time helps: the next run tries again, and no other job waits as long for nothing."""
    for _ in range(MAX_REFUSALS):
        assert not provider(at_work).stop_reason
        job, delay_s = await refuse(at_work, Rejected(kind=kind, message="slow down", http_status=429))
        if delay_s is not None:
            await at_work.context.recorder.record("kite", started(at=utc_now()))
    assert (job.state, delay_s, job.committed_attempts) == (JobState.PENDING, None, 0)
    assert "slow down" in provider(at_work).stop_reason


@pytest.mark.parametrize("wait_s", [30.0, 3600.0])
async def test_a_shorter_wait_is_waited_for(at_work: DownloaderHarness, wait_s: float) -> None:
    """The provider goes on after it."""
    _, delay_s = await refuse(at_work, Rejected(kind=FailureKind.RATE, message="slow", retry_after_s=wait_s))
    assert delay_s is not None
    assert abs(delay_s - wait_s) < 1
    assert not provider(at_work).stop_reason


async def test_a_wait_of_years_is_a_month_at_most(at_work: DownloaderHarness) -> None:
    """Nobody has such a quota, and the calendar ends somewhere."""
    job, _ = await refuse(at_work, Rejected(kind=FailureKind.RATE, message="slow", retry_after_s=1e15))
    assert job.retry_at is not None
    assert job.retry_at - utc_now() <= timedelta(days=31)


async def test_a_web_page_that_says_ok_stops_the_provider(at_work: DownloaderHarness) -> None:
    """A captive portal: every call would be uncertain."""
    page = Uncertain(message="unreadable: a web page", http_status=200, provider_wide=True)
    after_lost_submit(at_work.context, provider(at_work), page, CALL)
    assert provider(at_work).stop_reason == f"{CALL}: HTTP 200: unreadable: a web page"


@pytest.mark.parametrize(("is_wide", "at_least_s"), [(False, 0.01), (True, 0.15)])
async def test_a_server_error_pauses_submits_with_growing_gaps(
    at_work: DownloaderHarness, is_wide: bool, at_least_s: float
) -> None:
    """Each may be a purchase: the next one waits, longer after the page of a gateway."""
    state, lost = provider(at_work), Uncertain(message="bad gateway", http_status=502, provider_wide=is_wide)
    gaps = []
    for _ in range(4):
        state.paused_until = 0.0
        after_lost_submit(at_work.context, state, lost, CALL)
        gaps.append(state.paused_until - at_work.context.now())
    assert not state.stop_reason
    assert gaps[0] > at_least_s * 0.9
    assert gaps[3] > 2 * gaps[0]


@pytest.mark.parametrize(("left_s", "stops"), [(1800.0, False), (7200.0, True)])
async def test_what_is_left_of_a_wait_is_waited_for_if_it_is_short(tmp_path: Path, left_s: float, stops: bool) -> None:
    """A later run pauses for half an hour, and stops for two; --try-now sends the job at once."""
    now = utc_now()
    job = replace(
        job_in(JobState.PENDING),
        kind=FailureKind.RATE,
        submitted_at=now - timedelta(hours=5),
        retry_at=now + timedelta(seconds=left_s),
    )
    async with open_harness(tmp_path, job) as at_work:
        apply_requested_waits(at_work.context)
        state = provider(at_work)
        assert bool(state.stop_reason) is stops
        assert (state.paused_until > at_work.context.now() + left_s - 60) is not stops
        assert len(at_work.notices) == 1
    assert retry_delay_s(job, try_now=True) == 0.0
    assert retry_delay_s(job, try_now=False) > 0.0
