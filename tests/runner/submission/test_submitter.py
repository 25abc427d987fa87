"""How submits go out: a gateway that answers slowly gets all that its slots allow, but spaced out."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

from aiohttp import web

from batchvid.domain.jobs import Job, JobState
from batchvid.runner.providers.provider_state import MAX_PENDING_SUBMITS, SUBMIT_SPACING_S
from batchvid.runner.providers.rate_limits import ConcurrencySlots
from batchvid.runner.submission.submitter import Submitter
from tests.builders import job_in
from tests.runner.downloads.downloader_harness import RecordingLimiter, open_harness
from tests.runner.servers import says, serving, talking

SLOTS = MAX_PENDING_SUBMITS + 8


async def test_an_acceptance_that_is_cut_off_is_accepted(tmp_path: Path) -> None:
    """The line broke behind the id: the task exists, and the job polls it."""
    running: list[Job] = []
    body = b'{"id": "t-1", "object": "video", "status": "queued", "prom'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    kite = job_in(JobState.PENDING, "kite")
    done = asyncio.Event()

    def on_running(job: Job, **_: Any) -> None:
        running.append(job)
        done.set()

    async with (
        talking(says(head + body)) as address,
        open_harness(tmp_path, kite, base_url=f"http://{address}") as at_work,
    ):
        submitter = Submitter(at_work.context, on_running)
        submitter.enqueue(kite)
        submits = asyncio.create_task(submitter.serve(at_work.context.provider_states["cometapi"]))
        await done.wait()
        await submitter.drain()
        submits.cancel()
    assert [(one.state, one.task_id) for one in running] == [(JobState.RUNNING, "t-1")]


async def test_a_gateway_that_answers_late_has_its_slots_filled(tmp_path: Path) -> None:
    """It answers no submit before all slots are taken: they are, spaced out once many are pending."""
    all_in = asyncio.Event()
    all_run = asyncio.Event()
    running: list[Job] = []

    async def answer(_request: web.Request) -> web.Response:
        number = len(served.asked)
        if number == SLOTS:
            all_in.set()
        await all_in.wait()
        return web.json_response({"id": f"t-{number}", "object": "video", "status": "queued"})

    def on_running(job: Job, **_: Any) -> None:
        running.append(job)
        if len(running) == SLOTS:
            all_run.set()

    jobs = [job_in(JobState.PENDING, f"kite-{number}") for number in range(SLOTS + 1)]
    async with serving(answer) as served, open_harness(tmp_path, *jobs, base_url=served.base_url) as at_work:
        provider_state = at_work.context.provider_states["cometapi"]
        provider_state.slots, provider_state.submits = ConcurrencySlots(SLOTS), (rate := RecordingLimiter())
        submitter = Submitter(at_work.context, on_running)
        for job in jobs:
            submitter.enqueue(job)
        submits = asyncio.create_task(submitter.serve(provider_state))
        await all_run.wait()
        await submitter.drain()
        submits.cancel()
        assert provider_state.pending_submits == 0
        assert len(served.asked) == len({job.task_id for job in running}) == SLOTS
        assert len(provider_state.queue) == 1
        later = rate.begun_at[MAX_PENDING_SUBMITS - 1 :]
        assert all(next_at - at > 0.99 * SUBMIT_SPACING_S for at, next_at in pairwise(later))


async def test_while_a_probe_is_out_no_other_job_is_sent(tmp_path: Path) -> None:
    """After two equal refusals one job goes out alone, however many slots are free; accepted, the others follow."""
    probe_is_out, all_run = asyncio.Event(), asyncio.Event()
    beside_the_probe: list[int] = []
    accepted: list[str] = []
    jobs = [job_in(JobState.PENDING, f"{name}-{n}") for n in range(2) for name in ("kite", "boat", "crane", "storm")]

    async def answer(_request: web.Request) -> web.Response:
        number = len(served.asked)
        if number <= 2:
            words = {"error": {"message": "Invalid parameter seconds", "code": "bad_param"}}
            return web.json_response(words, status=400)
        if number == 3:
            probe_is_out.set()
            await asyncio.sleep(0.05)  # time for another call to go out beside it
            beside_the_probe.append(len(served.asked) - number)
        return web.json_response({"id": f"t-{number}", "object": "video", "status": "queued"})

    def on_accepted(job: Job, **_: Any) -> None:
        accepted.append(job.id)
        if len(accepted) == len(jobs) - 2:
            all_run.set()

    async with serving(answer) as served, open_harness(tmp_path, *jobs, base_url=served.base_url) as at_work:
        state = at_work.context.provider_states["cometapi"]
        state.slots, state.submits = ConcurrencySlots(2), RecordingLimiter()
        submitter = Submitter(at_work.context, on_accepted)
        for job in jobs:
            submitter.enqueue(job)
        submits = asyncio.create_task(submitter.serve(state))
        for _ in range(2000):
            if at_work.state("kite-0") is at_work.state("boat-0") is JobState.FAILED:
                break
            await asyncio.sleep(0.005)
        state.slots = ConcurrencySlots(len(jobs))
        state.wake.set()
        await probe_is_out.wait()
        await all_run.wait()
        submits.cancel()
        await submitter.drain()
    assert beside_the_probe == [0]
    assert accepted[0] == "crane-0"
    assert len(served.asked) == len(jobs)
