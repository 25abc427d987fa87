"""The order in which tasks are asked: what is finished and only has to name its clip again goes before all others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from batchvid.jobs import JobState
from batchvid.runner.poller import Poller
from tests.builders import job_in
from tests.runner.servers import serving
from tests.runner.yard import yard


async def test_a_fresh_link_is_asked_for_first(tmp_path: Path) -> None:
    """However many tasks of an earlier run are due while one a second may be asked: a paid clip waits for none."""
    asked = asyncio.Event()

    async def still_running(_request: web.Request) -> web.Response:
        asked.set()
        return web.json_response({"id": "t", "status": "in_progress"})

    names = ("one", "two", "finished", "three")
    jobs = [job_in(JobState.RUNNING, name) for name in names]
    async with serving(still_running) as server:
        jobs = [replace(job, task_id=job.id, origin=server.base_url) for job in jobs]
        async with yard(tmp_path, *jobs, base_url=server.base_url, polls_per_s=1) as at_work:
            poller = Poller(at_work.context, on_ready=lambda *_: None, on_again=lambda *_: None)
            for job in jobs:
                poller.watch(job, at_once=True, first=job.id == "finished")
            serving_polls = asyncio.create_task(poller.serve())
            await asked.wait()
            serving_polls.cancel()
            await poller.drain()
    assert [path.rpartition("/")[2] for _, path, _ in server.asked] == ["finished"]
