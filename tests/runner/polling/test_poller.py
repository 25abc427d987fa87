"""The order of polls: a finished task that needs a new link goes first, and polls that come due together are spaced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from aiohttp import web

from batchvid.clock import utc_now
from batchvid.domain.jobs import Job, JobState
from batchvid.runner.polling.poller import Poller
from batchvid.runner.providers.rate_limits import RequestPacer
from tests.builders import job_in
from tests.runner.downloads.downloader_harness import DownloaderHarness, RecordingLimiter, open_harness
from tests.runner.servers import Handler, Served, serving


def ignore(job: Job, *, delay_s: float = 0.0, resumed: bool = False, poll_first: bool = False) -> None:
    """Dispatches nothing."""


async def test_a_new_link_is_requested_first(tmp_path: Path) -> None:
    """However many tasks of an earlier run are due at one poll a second: a paid clip waits for none."""
    polled = asyncio.Event()

    async def still_running(_request: web.Request) -> web.Response:
        polled.set()
        return web.json_response({"id": "t", "status": "in_progress"})

    names = ("one", "two", "finished", "three")
    jobs = [job_in(JobState.RUNNING, name) for name in names]
    async with serving(still_running) as server:
        jobs = [replace(job, task_id=job.id, origin=server.base_url) for job in jobs]
        async with open_harness(tmp_path, *jobs, base_url=server.base_url, polls_per_s=1) as at_work:
            poller = Poller(at_work.context, dispatch=ignore)
            for job in jobs:
                poller.track(job, at_once=True, first=job.id == "finished")
            serving_polls = asyncio.create_task(poller.serve())
            await polled.wait()
            serving_polls.cancel()
            await poller.drain()
    assert [path.rpartition("/")[2] for _, path, _ in server.asked] == ["finished"]


async def test_polls_that_come_due_together_are_spaced_out(tmp_path: Path) -> None:
    """Fifty tasks of an earlier run are all polled, spaced out except for the first few."""
    all_polled = asyncio.Event()

    async def still_running(_request: web.Request) -> web.Response:
        if len({path for _, path, _ in server.asked}) == len(jobs):
            all_polled.set()
        return web.json_response({"id": "t", "status": "in_progress"})

    jobs = [job_in(JobState.RUNNING, f"kite-{number}") for number in range(50)]
    async with serving(still_running) as server:
        jobs = [replace(job, task_id=job.id, origin=server.base_url) for job in jobs]
        async with open_harness(tmp_path, *jobs, base_url=server.base_url) as at_work:
            at_work.context.provider_states["cometapi"].polls = rate = RecordingLimiter()
            poller = Poller(at_work.context, dispatch=ignore)
            for job in jobs:
                poller.track(job, at_once=True)
            serving_polls = asyncio.create_task(poller.serve())
            await all_polled.wait()
            serving_polls.cancel()
            await poller.drain()
    strides = len(jobs) - 2 - RequestPacer.SLACK_S / RequestPacer.MAX_SPACING_S
    assert rate.begun_at[-1] - rate.begun_at[0] > strides * RequestPacer.MAX_SPACING_S


@asynccontextmanager
async def polled_jobs(
    folder: Path, handler: Handler, *jobs: Job, **provider: Any
) -> AsyncIterator[tuple[DownloaderHarness, Served, list[Job]]]:
    """Polling of these running jobs at a server with this handler, and the jobs that were dispatched."""
    dispatched: list[Job] = []

    def dispatch(job: Job, **_: Any) -> None:
        dispatched.append(job)

    async with serving(handler) as server:
        at_home = [replace(job, task_id=job.id, origin=server.base_url) for job in jobs]
        async with open_harness(folder, *at_home, base_url=server.base_url, **provider) as at_work:
            poller = Poller(at_work.context, dispatch=dispatch)
            for job in at_home:
                poller.track(job, at_once=True)
            serving_polls = asyncio.create_task(poller.serve())
            yield at_work, server, dispatched
            serving_polls.cancel()
            await poller.drain()


async def test_a_queue_that_stands_is_reported_once_for_a_model(tmp_path: Path) -> None:
    """Three of ten layers stood in the queue for ever, and nothing said so (backblaze-labs/genblaze request 282).

    After ten minutes one line names provider and model; the tasks stay tracked.
    """
    all_polled = asyncio.Event()

    async def queued(_request: web.Request) -> web.Response:
        if len(server.asked) >= 9:
            all_polled.set()
        return web.json_response({"id": "t", "status": "queued"})

    begun = utc_now() - timedelta(minutes=11)
    jobs = [replace(job_in(JobState.RUNNING, f"layer-{number}"), watched_from=begun) for number in range(3)]
    async with polled_jobs(tmp_path, queued, *jobs, poll_every_s=0.01, polls_per_s=1000) as (at_work, server, _):
        await all_polled.wait()
        assert [line for line in at_work.notices if "queued" in line] == [
            "cometapi: tasks of veo3-fast are queued for over 10 minutes; polling continues. "
            "queue_timeout_s with a fallback on queue_stall would buy them elsewhere"
        ]
        assert all(at_work.state(job.id) is JobState.RUNNING for job in jobs)


async def test_a_poll_quota_of_hours_leaves_the_tasks_to_the_next_run(tmp_path: Path) -> None:
    """Nobody polls again before the time that the provider names; the tasks stay as they are."""

    async def refused(_request: web.Request) -> web.Response:
        words = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
        return web.json_response(words, status=429, headers={"Retry-After": "7200"})

    job = replace(job_in(JobState.RUNNING), watched_from=utc_now())
    async with polled_jobs(tmp_path, refused, job, poll_every_s=0.01) as (at_work, server, _):
        await at_work.said.wait()
        provider_state = at_work.context.provider_states["cometapi"]
        assert provider_state.polling_stopped
        assert provider_state.resume_at is not None
        assert provider_state.resume_at - utc_now() > timedelta(minutes=119)
        (line,) = at_work.notices
        assert f"GET {server.base_url}/v1/videos/kite: HTTP 429: " in line
        assert " UTC. Its tasks wait for the next run" in line
    assert len(server.asked) == 1
    assert at_work.state("kite") is JobState.RUNNING


async def test_a_successful_poll_resets_the_backoff(tmp_path: Path) -> None:
    """After three failures the gap is long; after a success and one more failure it is short again.

    A video studio's poller counted failures for ever (Scottcjn/bottube issue 2125).
    """
    times: list[float] = []
    enough = asyncio.Event()
    fails = (True, True, True, True, True, False, True, False)

    async def answer(_request: web.Request) -> web.Response:
        times.append(asyncio.get_running_loop().time())
        number = len(times) - 1
        if number >= len(fails):
            enough.set()
            return web.json_response({"id": "t", "status": "in_progress"})
        if fails[number]:
            return web.Response(status=502, text="<html>bad gateway</html>", content_type="text/html")
        return web.json_response({"id": "t", "status": "in_progress"})

    job = replace(job_in(JobState.RUNNING), watched_from=utc_now())
    async with polled_jobs(tmp_path, answer, job, poll_every_s=0.05, polls_per_s=1000):
        await enough.wait()
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps[4] >= 0.4  # half of 0.05 * 2 ** 4
    assert gaps[6] < gaps[4]
