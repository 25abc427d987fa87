"""A fault of one path stops only its clip; a stopped run starts no queued download; a slow one has an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from batchvid.domain.jobs import JobState
from batchvid.domain.wire import Asset
from batchvid.runner.downloads.stall_detector import DownloadLimits
from tests.builders import MakeClip
from tests.runner.cdn import cdn_of
from tests.runner.downloads.downloader_harness import open_harness, ready
from tests.runner.servers import serving


def directory_at_the_target(folder: Path) -> None:
    (folder / "clips" / "kite.mp4").mkdir(parents=True)


def directory_at_the_part(folder: Path) -> None:
    (folder / "clips" / "kite.mp4.part").mkdir(parents=True)


def directory_at_the_sidecar(folder: Path) -> None:
    (folder / "clips" / "kite.mp4.json").mkdir(parents=True)


@pytest.mark.parametrize("fault", [directory_at_the_target, directory_at_the_part, directory_at_the_sidecar])
async def test_a_fault_of_one_path_stops_its_clip_only(
    tmp_path: Path, clips: MakeClip, fault: Callable[[Path], None]
) -> None:
    """The others are stored, the run goes on, and the clip is fetched once the path is free."""
    fault(tmp_path)
    async with cdn_of(clips().read_bytes()) as cdn, open_harness(tmp_path, ready("kite"), ready("boat")) as at_work:
        await at_work.fetch({"kite": (cdn.link,), "boat": (cdn.link,)})
        assert at_work.stored == ["boat"]
        assert at_work.state("kite") is JobState.READY
        assert at_work.context.stop_reason == ""
        (line,) = at_work.notices
        assert line.startswith("kite: its clip cannot be written: ")
        assert line.endswith("It is paid for: run again to fetch it")
        for path in (tmp_path / "clips").glob("kite*"):
            if path.is_dir():
                path.rmdir()
        await at_work.fetch({"kite": (cdn.link,)})
    assert at_work.stored == ["boat", "kite"]


async def test_a_disk_that_cannot_be_written_is_waited_for(tmp_path: Path, clips: MakeClip) -> None:
    """A file stands where the tree of clips belongs: no clip can be written. When it is gone, all are stored."""
    (tmp_path / "clips").write_bytes(b"")
    async with (
        cdn_of(clips().read_bytes()) as cdn,
        open_harness(tmp_path, ready("kite"), ready("boat"), room_wait_s=3.0) as at_work,
    ):
        fetching = asyncio.create_task(at_work.fetch({"kite": (cdn.link,), "boat": (cdn.link,)}))
        await at_work.said.wait()
        assert "no file can be written to" in at_work.notices[0]
        assert at_work.stored == []
        (tmp_path / "clips").unlink()
        await fetching
    assert sorted(at_work.stored) == ["boat", "kite"]
    assert len(at_work.notices) == 1


async def test_after_a_stop_no_queued_download_starts(tmp_path: Path, clips: MakeClip) -> None:
    """The one that runs is finished; the others stay ready."""
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        begun.set()
        await may_end.wait()
        return web.Response(body=clips().read_bytes())

    jobs = [ready(name) for name in ("kite", "boat", "crane")]
    async with serving(answer) as server, open_harness(tmp_path, *jobs) as at_work:
        fetching = asyncio.create_task(at_work.fetch({job.id: (f"{server.base_url}/{job.id}.mp4",) for job in jobs}))
        await begun.wait()
        at_work.context.stop("interrupted")
        may_end.set()
        await fetching
        assert len(at_work.stored) == 1
        assert len(server.asked) == 1


async def test_a_stop_ends_a_wait_at_once(tmp_path: Path) -> None:
    """A clip that is waited for stays ready: the gap is not slept to its end."""
    refused = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        refused.set()
        return web.Response(status=503)

    async with (
        serving(answer) as server,
        open_harness(tmp_path, ready("kite"), wait_initial_s=60.0, patience_s=600.0) as at_work,
    ):
        fetching = asyncio.create_task(at_work.fetch({"kite": (f"{server.base_url}/kite.mp4",)}))
        await refused.wait()
        at_work.context.stop("interrupted")
        await asyncio.wait_for(fetching, 5)
        assert at_work.state("kite") is JobState.READY


async def test_a_download_that_drips_has_a_total_limit(tmp_path: Path) -> None:
    """A byte now and then, for ever, is neither silence nor an end: all tries together are limited, and it stays ready.

    The links of further polls do not begin a new limit.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Type": "video/mp4", "Content-Length": "100000"})
        await reply.prepare(request)
        await reply.write(b"\0\0\0\x18ftypisom" + bytes(60))
        for _ in range(1000):
            await reply.write(b"\0")
            await asyncio.sleep(0.01)
        return reply

    limits = DownloadLimits(min_bytes=1, window_s=0.05, total_s=0.3)
    async with (
        serving(answer) as server,
        open_harness(tmp_path, ready("kite"), wait_initial_s=0.001, patience_s=600.0, limits=limits) as at_work,
    ):
        link = Asset(location=f"{server.base_url}/kite.mp4")
        await asyncio.wait_for(at_work.fetch({"kite": (link,)}), 10)
        while at_work.state("kite") is JobState.RUNNING:
            await asyncio.wait_for(at_work.answer("kite", link), 10)
        assert at_work.state("kite") is JobState.READY
    assert "the download is not done after" in at_work.notices[-1]
