"""A full disk: downloads and submits wait for room and continue automatically, or the run ends; no clip is given up."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from batchvid.domain.jobs import JobState
from batchvid.runner.providers.submission_blocks import Block
from tests.builders import MakeClip
from tests.disks import small_disk
from tests.runner.cdn import Cdn, cdn_of
from tests.runner.downloads.downloader_harness import DownloaderHarness, open_harness, ready
from tests.runner.servers import serving

FULL = 10**15  # more to be spared than any disk has
JOBS = ("kite", "boat", "crane")


@pytest.fixture
async def cdn(clips: MakeClip) -> AsyncIterator[Cdn]:
    """A host of clips of one second."""
    async with cdn_of(clips().read_bytes()) as served:
        yield served


def handed_over(at_work: DownloaderHarness, cdn: Cdn) -> asyncio.Task[None]:
    """The jobs are being fetched."""
    return asyncio.create_task(at_work.fetch(dict.fromkeys(JOBS, (cdn.link,))))


async def test_with_room_again_it_goes_on(tmp_path: Path, cdn: Cdn) -> None:
    """Full in the middle of a run: submits wait, no link is tried, it is reported once; then all are stored."""
    async with open_harness(tmp_path, *map(ready, JOBS), room_wait_s=3.0) as at_work:
        at_work.store.spare_bytes = FULL
        fetching = handed_over(at_work, cdn)
        await at_work.said.wait()
        await asyncio.sleep(0.05)
        asked = len(cdn.server.asked)
        assert asked <= 1
        assert {at_work.state(job_id) for job_id in JOBS} == {JobState.READY}
        at_work.store.spare_bytes = 0
        await fetching
        assert (sorted(at_work.stored), at_work.context.blocks.reason(Block.DISK_FULL)) == (sorted(JOBS), "")
    (said,) = at_work.notices
    assert "is full: " in said
    assert said.endswith("Submits and downloads wait for room; tasks go on, nothing paid for is lost")


async def test_a_disk_that_is_full_from_the_start(tmp_path: Path, cdn: Cdn) -> None:
    """Submits are held before the first goes out: no money is spent on clips that nobody can keep."""
    async with open_harness(tmp_path, *map(ready, JOBS), spare_bytes=FULL, room_wait_s=3.0) as at_work:
        assert at_work.context.blocks.reason(Block.DISK_FULL)
        fetching = handed_over(at_work, cdn)
        await asyncio.sleep(0.03)
        assert cdn.server.asked == []
        at_work.store.spare_bytes = 0
        await fetching
    assert sorted(at_work.stored) == sorted(JOBS)


async def test_without_room_the_run_ends_and_keeps_all(tmp_path: Path, cdn: Cdn) -> None:
    """After a while the run stops with the reason, and every job stays ready for the next one."""
    async with open_harness(tmp_path, *map(ready, JOBS), spare_bytes=FULL, room_wait_s=0.06) as at_work:
        await handed_over(at_work, cdn)
        assert {at_work.state(job_id) for job_id in JOBS} == {JobState.READY}
        assert at_work.context.stop_reason.endswith(
            "3 finished clips wait at their vendors. Make room and run again to go on"
        )
        await at_work.fetch({"kite": (cdn.link,)})  # a poll that was out while the run stopped
    assert (cdn.server.asked, len(at_work.notices)) == ([], 1)


async def test_an_interrupted_run_does_not_wait_for_room(tmp_path: Path, cdn: Cdn) -> None:
    """Ctrl-C lets downloads end, and those that have no room end at once."""
    async with open_harness(tmp_path, *map(ready, JOBS), spare_bytes=FULL, room_wait_s=30.0) as at_work:
        fetching = handed_over(at_work, cdn)
        await at_work.said.wait()
        at_work.context.stop("interrupted")
        await fetching
        assert at_work.context.stop_reason == "interrupted"
        assert {at_work.state(job_id) for job_id in JOBS} == {JobState.READY}


async def test_a_disk_that_only_seems_to_have_room(tmp_path: Path, cdn: Cdn) -> None:
    """A quota, or no more files: what is free says nothing. It is retried for a while, reported once, then given up."""
    with small_disk(tmp_path / "clips", size_bytes=2**24, files=1):  # the folder itself is the one
        async with open_harness(tmp_path, *map(ready, JOBS), room_wait_s=0.15) as at_work:
            await handed_over(at_work, cdn)
            assert {at_work.state(job_id) for job_id in JOBS} == {JobState.READY}
        assert "kite.mp4.part: No space left on device; 3 finished clips wait" in at_work.context.stop_reason
        (said,) = at_work.notices
        assert said.endswith("nothing paid for is lost")


async def test_a_clip_that_would_not_fit_is_not_begun(tmp_path: Path) -> None:
    """What is announced is held against what is free, the spare counted in; room for less than that is no room."""

    async def announces(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Type": "video/mp4", "Content-Length": "300000000"})
        await reply.prepare(request)
        return reply

    async with serving(announces) as server, open_harness(tmp_path, ready("kite"), room_wait_s=0.3) as at_work:
        at_work.store.spare_bytes = shutil.disk_usage(tmp_path).free - 150_000_000
        await at_work.fetch({"kite": (server.base_url + "/a.mp4",)})
        assert at_work.state("kite") is JobState.READY
    assert len(server.asked) == 1
    assert not at_work.store.path("kite.mp4.part").exists()
