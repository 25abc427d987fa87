"""Polls that a callback causes: soon, within the rate, one for many, and none while a vendor must be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp import web

from batchvid.clock import utc_now
from batchvid.domain.jobs import JobState
from batchvid.runner.callbacks.addresses import CallbackAddresses
from batchvid.runner.callbacks.checks import SignatureCheck
from batchvid.runner.callbacks.receiver import CallbackReceiver
from batchvid.runner.estimation.poll_schedule import next_age_with_callbacks_s
from batchvid.runner.polling.poller import Poller
from batchvid.runner.providers.callback_trust import MAX_FIRST_WAIT_S, MAX_MISSES, MAX_WAIT_S, CallbackTrust
from tests.builders import job_in
from tests.runner.downloads.downloader_harness import open_harness
from tests.runner.polling.test_poller import ignore
from tests.runner.servers import Served, serving

LATE = {"poll_every_s": 30}  # none is polled by its schedule


@dataclass
class Polling:
    """A poller at work: what a callback does, and the server that is polled."""

    wake: Callable[[str], None]
    server: Served

    @property
    def polled(self) -> list[str]:
        """The tasks that were polled, in order."""
        return [path.rpartition("/")[2] for _, path, _ in self.server.asked]

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait for something that a poll changes."""
        async with asyncio.timeout(5):
            while not is_true():  # noqa: ASYNC110 - the server is not told when
                await asyncio.sleep(0.005)


async def running(_request: web.Request) -> web.Response:
    """A task that goes on."""
    return web.json_response({"id": "t", "status": "in_progress"})


def unused_receiver() -> CallbackReceiver:
    """One that no vendor calls: the tests wake tasks by themselves."""

    def no_check(provider: str) -> SignatureCheck:
        raise AssertionError(provider)

    return CallbackReceiver(CallbackAddresses("http://x", b"secret"), no_check, print)


@asynccontextmanager
async def polling(folder: Path, answer: Any = running, jobs: int = 1, **limits: Any) -> AsyncIterator[Polling]:
    """So many running tasks, which were polled once when they were tracked or are due later."""
    found = [job_in(JobState.RUNNING, f"kite-{number}") for number in range(jobs)]
    async with serving(answer) as server:
        found = [replace(job, task_id=job.id, origin=server.base_url, watched_from=utc_now()) for job in found]
        async with open_harness(folder, *found, base_url=server.base_url, **{**LATE, **limits}) as at_work:
            at_work.context.callbacks = receiver = unused_receiver()
            poller = Poller(at_work.context, dispatch=ignore)
            for job in found:
                poller.track(job)
            loop = asyncio.create_task(poller.serve())
            try:
                yield Polling(receiver.wake, server)
            finally:
                loop.cancel()
                await asyncio.gather(loop, return_exceptions=True)
                await poller.drain()


async def test_a_burst_of_callbacks_is_one_poll(tmp_path: Path) -> None:
    """Of that task alone; unknown jobs and other tasks are left as they are."""
    async with polling(tmp_path, jobs=3) as at_work:
        for _ in range(50):
            at_work.wake("kite-1")
        at_work.wake("no-such-job")
        await at_work.until(lambda: bool(at_work.polled))
        for _ in range(50):
            at_work.wake("kite-1")  # the next one is a while away
        await asyncio.sleep(0.2)
        assert at_work.polled == ["kite-1"]


async def test_woken_polls_stay_within_the_rate(tmp_path: Path) -> None:
    """Ten tasks that end together are polled at the provider's rate, without further spacing."""
    async with polling(tmp_path, jobs=10, polls_per_s=4) as at_work:
        for number in range(10):
            at_work.wake(f"kite-{number}")
        await asyncio.sleep(0.5)
        assert len(at_work.polled) == 4


async def test_a_callback_during_a_poll_causes_one_more(tmp_path: Path) -> None:
    """That poll may have been answered before the task ended."""
    arrived, may_answer = asyncio.Event(), asyncio.Event()

    async def late(request: web.Request) -> web.Response:
        arrived.set()
        await may_answer.wait()
        return await running(request)

    async with polling(tmp_path, late) as at_work:
        at_work.wake("kite-0")
        await arrived.wait()
        for _ in range(3):
            at_work.wake("kite-0")
        may_answer.set()
        await at_work.until(lambda: len(at_work.polled) == 2)
        await asyncio.sleep(0.1)
        assert at_work.polled == ["kite-0", "kite-0"]


async def test_a_vendor_that_does_not_answer_is_not_pressed(tmp_path: Path) -> None:
    """A task whose poll failed waits as long as it has to, whoever calls."""

    async def broken(_request: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": "60"})

    async with polling(tmp_path, broken) as at_work:
        at_work.wake("kite-0")
        await at_work.until(lambda: bool(at_work.polled))
        await asyncio.sleep(0.05)
        for _ in range(5):
            at_work.wake("kite-0")
        await asyncio.sleep(0.2)
        assert at_work.polled == ["kite-0"]


def test_callbacks_are_trusted_until_some_are_missed() -> None:
    """One that arrives restores the trust."""
    trust = CallbackTrust()
    for _ in range(MAX_MISSES):
        assert trust.is_given
        trust.record_miss()
    assert (trust.is_given, trust.max_wait_s) == (False, MAX_FIRST_WAIT_S)
    trust.record_callback()
    assert (trust.is_given, trust.max_wait_s) == (True, MAX_WAIT_S)


def test_a_schedule_with_callbacks_stays_bounded() -> None:
    """However long a task takes, the next poll is at most so much later than without callbacks."""
    for age_s, due_s in ((0.0, 0.5), (0.0, 90.0), (100.0, 103.0), (100.0, 160.0), (3000.0, 3060.0)):
        later_s = next_age_with_callbacks_s(age_s, due_s, MAX_WAIT_S)
        assert due_s < later_s <= due_s + MAX_WAIT_S
