"""One call that polls many tasks: fewer calls, a verdict for each task, and a failed call that decides nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

from aiohttp import web

from batchvid.clock import utc_now
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job, JobState
from tests.builders import job_in
from tests.runner.polling.test_poller import polled_jobs

QUICK = {"poll_every_s": 0.02, "polls_per_s": 1000}


def kling_jobs(count: int) -> list[Job]:
    jobs = [job_in(JobState.RUNNING, f"kite-{number}") for number in range(count)]
    return [replace(job, dialect="kling-new", watched_from=utc_now()) for job in jobs]


def asked_for(request: web.Request) -> list[str]:
    return request.query["task_ids"].split(",")


def listed(*tasks: dict[str, Any]) -> web.Response:
    return web.json_response({"code": 0, "message": "SUCCEED", "request_id": "r", "data": tasks})


def task(task_id: str, status: str = "processing", **fields: Any) -> dict[str, Any]:
    return {"id": task_id, "status": status, "message": "", "create_time": 1, "update_time": 1, **fields}


async def test_a_hundred_tasks_need_a_fraction_of_the_calls(tmp_path: Path) -> None:
    """Each task is polled again and again, by calls for at most fifty of them; one call counts once as a poll."""
    seen: Counter[str] = Counter()
    enough = asyncio.Event()
    jobs = kling_jobs(100)

    async def still_running(request: web.Request) -> web.Response:
        ids = asked_for(request)
        seen.update(ids)
        assert len(ids) == len(set(ids)) <= 50
        if len(seen) == len(jobs) and min(seen.values()) >= 3:
            enough.set()
        return listed(*map(task, ids))

    async with polled_jobs(tmp_path, still_running, *jobs, **QUICK) as (_, server, _dispatched):
        await asyncio.wait_for(enough.wait(), 30)
    assert len(server.asked) * 5 <= seen.total()


async def test_each_task_of_a_reply_has_its_own_verdict(tmp_path: Path) -> None:
    """Failed, running and succeeded tasks in one reply. A missing one is polled alone; somebody else's is ignored."""
    polled_again = asyncio.Event()
    first: list[str] = []

    async def mixed(request: web.Request) -> web.Response:
        ids = asked_for(request)
        first.extend(ids)
        if first.count("kite-1") > 1 and ids == ["kite-3"]:
            polled_again.set()
        verdicts = {
            "kite-0": task("kite-0", "failed", message="Failure to pass the risk control system"),
            "kite-1": task("kite-1"),
            "kite-2": task("kite-2", "succeeded", outputs=[{"type": "video", "id": "v", "url": "https://x.example/a"}]),
        }
        return listed(*(verdicts[one] for one in ids if one in verdicts), task("somebody-elses", "failed"))

    async with polled_jobs(tmp_path, mixed, *kling_jobs(4), **QUICK) as (at_work, _server, dispatched):
        await asyncio.wait_for(polled_again.wait(), 10)
        states = {job.id: at_work.state(job.id) for job in at_work.context.recorder.jobs.values()}
        failed = at_work.context.job("kite-0")
    assert sorted(first[:4]) == ["kite-0", "kite-1", "kite-2", "kite-3"], "all in one call"
    assert states == {
        "kite-0": JobState.FAILED,
        "kite-1": JobState.RUNNING,
        "kite-2": JobState.READY,
        "kite-3": JobState.RUNNING,
    }
    assert failed.kind is FailureKind.MODERATION_OUTPUT
    assert [job.id for job in dispatched] == ["kite-2"]


async def test_a_reply_without_a_list_decides_nothing(tmp_path: Path) -> None:
    """No task is unseen because of it, and each is polled again."""
    seen = asyncio.Event()
    calls: list[int] = []

    async def answer(request: web.Request) -> web.Response:
        calls.append(len(asked_for(request)))
        if len(calls) > 6:
            seen.set()
        return web.json_response({"code": 0, "message": "SUCCEED", "request_id": "r", "data": {"id": "x"}})

    async with polled_jobs(tmp_path, answer, *kling_jobs(3), **QUICK, grace_s=0.0) as (at_work, _, _dispatched):
        await asyncio.wait_for(seen.wait(), 10)
        assert {at_work.state(f"kite-{number}") for number in range(3)} == {JobState.RUNNING}
    assert calls[0] == 3


async def ends_after(folder: Path, fault: Callable[[], web.StreamResponse], calls: int = 3) -> list[list[str]]:
    """The ids of each call until all three tasks have ended, where the first calls are answered with the fault."""
    asked: list[list[str]] = []
    ended = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(asked_for(request))
        if len(asked) <= calls:
            return fault()
        link = [{"type": "video", "id": "v", "url": "https://x.example/a"}]
        if {one for ids in asked[calls:] for one in ids} == {"kite-0", "kite-1", "kite-2"}:
            ended.set()
        return listed(*(task(one, "succeeded", outputs=link) for one in asked[-1]))

    async with polled_jobs(folder, answer, *kling_jobs(3), **QUICK) as (at_work, _, dispatched):
        await asyncio.wait_for(ended.wait(), 10)
        said = sum("does not answer polls" in line for line in at_work.notices)
    assert len(dispatched) == 3
    assert {job.state for job in dispatched} == {JobState.READY}
    assert said == (calls >= 9), "once, although each task counts"
    return asked


async def test_a_failed_call_is_an_unanswered_poll_of_each_task(tmp_path: Path) -> None:
    """Errors of the server, a cut reply and a page: all are polled again, and one line tells of it."""
    faults: Iterator[Callable[[], web.StreamResponse]] = cycle(
        [
            lambda: web.json_response({"code": 5000, "message": "internal error", "request_id": "r"}, status=500),
            lambda: web.Response(text='{"code": 0, "data": [{"id": "kite-0", "sta', content_type="application/json"),
            lambda: web.Response(text="<html>busy</html>", content_type="text/html", status=502),
        ]
    )
    asked = await ends_after(tmp_path, lambda: next(faults)(), calls=9)
    assert len(asked[0]) == 3


async def test_a_call_for_several_that_is_refused_is_not_repeated(tmp_path: Path) -> None:
    """The provider finds fault with the list: from then on each task is polled on its own."""
    refusal = {"code": 1201, "message": "task_ids is invalid", "request_id": "r"}
    asked = await ends_after(tmp_path, lambda: web.json_response(refusal, status=400), calls=1)
    assert len(asked[0]) == 3
    assert all(len(ids) == 1 for ids in asked[1:])
