"""The order of polls: a finished task that needs a new link goes first, and polls that come due together are spaced."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from batchvid.domain.jobs import Job, JobState
from batchvid.runner.polling.poller import Poller
from batchvid.runner.providers.rate_limits import RequestPacer
from tests.builders import job_in
from tests.runner.downloads.downloader_harness import RecordingLimiter, open_harness
from tests.runner.servers import serving


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
