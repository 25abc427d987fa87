"""All clips of one task are kept; the container decides the suffix; a broken header does not cost a good clip."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from aiohttp import web

from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import JobState
from batchvid.domain.wire import Asset
from batchvid.report.job_report import report_text
from tests.builders import MakeClip
from tests.runner.downloads.downloader_harness import DownloaderHarness, open_harness, ready
from tests.runner.servers import serving, talking
from tests.videos import make_video


def files(at_work: DownloaderHarness, folder: Path) -> list[str]:
    """The files below clips/."""
    return sorted(path.name for path in (folder / "clips").rglob("*") if path.is_file())


async def test_all_clips_of_a_task_are_kept(tmp_path: Path, clips: MakeClip) -> None:
    """Two clips, one of them with a second link that is not needed: both are stored, reported, and counted once."""
    bodies = {"/1.mp4": clips().read_bytes(), "/2.mp4": clips(width=96).read_bytes()}

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=bodies[request.path]) if request.path in bodies else web.Response(status=404)

    async with serving(answer) as server, open_harness(tmp_path, ready("kite")) as at_work:
        first, second = (Asset(location=f"{server.base_url}/{n}.mp4", output=n) for n in (1, 2))
        spare = Asset(location=f"{server.base_url}/spare.mp4", output=1)
        await at_work.fetch({"kite": (second, first, spare)})
        job = at_work.context.job("kite")
    assert job.state is JobState.SUCCEEDED
    assert job.clip is not None
    assert [clip.width for clip in (job.clip, *job.more_clips)] == [64, 96]
    assert files(at_work, tmp_path) == ["kite_1.mp4", "kite_1.mp4.json", "kite_2.mp4", "kite_2.mp4.json"]
    assert job.committed_attempts == 1
    assert "its task made 2 clips; all are kept: kite_1.mp4, kite_2.mp4" in at_work.notices[0]
    report = report_text([job]).splitlines()
    row = dict(zip(report[0].lstrip("\ufeff").split(","), report[1].split(","), strict=False))
    assert "clips/kite_1.mp4" in report[1]
    assert "clips/kite_2.mp4" in report[1]
    assert "more_paths" in row


async def test_a_missing_clip_of_several_is_waited_for(tmp_path: Path, clips: MakeClip) -> None:
    """The job is stored when all clips are; what is stored is not fetched again."""
    late = True

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/2.mp4" and late:
            return web.Response(status=403)
        return web.Response(body=clips().read_bytes())

    async with serving(answer) as server, open_harness(tmp_path, ready("kite")) as at_work:
        assets = tuple(Asset(location=f"{server.base_url}/{n}.mp4", output=n) for n in (1, 2))
        await at_work.fetch({"kite": assets})
        assert at_work.state("kite") is JobState.RUNNING
        late = False
        await at_work.answer("kite", *assets)
        assert at_work.state("kite") is JobState.SUCCEEDED
    assert [path for _, path, _ in server.asked] == ["/1.mp4", "/2.mp4", "/2.mp4"]


async def test_a_webm_is_stored_as_webm(tmp_path: Path) -> None:
    """Whatever its name and headers are. The line says so."""
    data = make_video(tmp_path / "made", "webm").read_bytes()

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=data, content_type="video/mp4")

    async with serving(answer) as server, open_harness(tmp_path, ready("kite")) as at_work:
        await at_work.fetch({"kite": (f"{server.base_url}/kite.mp4",)})
        job = at_work.context.job("kite")
    assert job.clip is not None
    assert job.clip.key == "kite.webm"
    assert files(at_work, tmp_path) == ["kite.webm", "kite.webm.json"]
    assert "stored as kite.webm" in at_work.notices[0]
    assert at_work.store.find("kite.mp4", job.task_id) == job.clip


async def test_a_manifest_may_want_mp4_only(tmp_path: Path) -> None:
    """Then it is bad media, fetched once, kept, and the message says how to store it."""
    data = make_video(tmp_path / "made", "webm").read_bytes()

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=data, content_type="video/mp4")

    job = ready("kite")
    wants_mp4 = type(job.spec)(**{name: getattr(job.spec, name) for name in job.spec.__slots__} | {"container": "mp4"})
    job = type(job)(**{name: getattr(job, name) for name in job.__slots__} | {"spec": wants_mp4})
    async with serving(answer) as server, open_harness(tmp_path, job) as at_work:
        await at_work.fetch({"kite": (f"{server.base_url}/kite.mp4",)})
        job = at_work.context.job("kite")
    assert (job.state, job.kind) == (JobState.FAILED, FailureKind.BAD_MEDIA)
    assert job.message.endswith(f"To store it all the same: batchvid accept {tmp_path.name} kite")
    assert len(server.asked) == 1
    assert files(at_work, tmp_path) == ["kite.mp4.rejected"]


async def test_a_wrong_length_does_not_cost_a_whole_clip(tmp_path: Path, clips: MakeClip) -> None:
    """Content-Length promises more than there is: the file's own index says that it is whole."""
    data = clips(faststart=False).read_bytes()

    async def talk(reader: object, writer: object) -> None:
        await reader.readuntil(b"\r\n\r\n")  # type: ignore[attr-defined]
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data) + 500}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + data)  # type: ignore[attr-defined]
        await writer.drain()  # type: ignore[attr-defined]

    async with talking(talk) as host, open_harness(tmp_path, ready("kite"), wait_initial_s=0.001) as at_work:
        await at_work.fetch({"kite": (f"http://{host}/kite.mp4",)})
    assert at_work.stored == ["kite"]


async def test_a_body_that_is_compressed_anyway(tmp_path: Path, clips: MakeClip) -> None:
    """`Accept-Encoding: identity` was sent; the stored file is the clip, and its digest is that of the clip."""
    data = clips().read_bytes()

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=gzip.compress(data, mtime=0), headers={"Content-Encoding": "gzip"})

    async with serving(answer) as server, open_harness(tmp_path, ready("kite")) as at_work:
        await at_work.fetch({"kite": (f"{server.base_url}/kite.mp4",)})
    assert (tmp_path / "clips" / "kite.mp4").read_bytes() == data
    assert json.loads((tmp_path / "clips" / "kite.mp4.json").read_text("utf-8"))["clip"]["size_bytes"] == len(data)


async def test_a_reply_that_names_no_clip_is_waited_for(tmp_path: Path, clips: MakeClip) -> None:
    """ "Finished" without a link: the task is polled again; the link of a later reply is taken."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=clips().read_bytes())

    async with serving(answer) as server, open_harness(tmp_path, ready("kite"), wait_initial_s=0.001) as at_work:
        await at_work.fetch({"kite": ()})
        for _ in range(3):
            await at_work.answer("kite")
            assert at_work.state("kite") is JobState.RUNNING
        await at_work.answer("kite", Asset(location=f"{server.base_url}/kite.mp4"))
    assert at_work.stored == ["kite"]


@pytest.mark.parametrize("share", [0.5, 0.99])
async def test_a_file_that_stays_cut_off_is_kept_and_stays_ready(tmp_path: Path, clips: MakeClip, share: float) -> None:
    """No bad media: the vendor may serve the whole later. One copy of what there is stays for a look."""
    data = clips().read_bytes()

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=data[: round(len(data) * share)], content_type="video/mp4")

    async with serving(answer) as server, open_harness(tmp_path, ready("kite"), wait_initial_s=0.002) as at_work:
        link = Asset(location=f"{server.base_url}/kite.mp4")
        await at_work.fetch({"kite": (link,)})
        while at_work.state("kite") is JobState.RUNNING:
            await at_work.answer("kite", link)
        assert at_work.state("kite") is JobState.READY
    assert files(at_work, tmp_path) == ["kite.mp4.rejected"]
    assert "cut off" in at_work.notices[-1]
