"""Public reports of clips that could not be fetched, replayed: each is stored, or stays ready for the next run."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from batchvid.domain.jobs import JobState
from batchvid.domain.wire import Asset
from tests.builders import MakeClip
from tests.runner.downloads.downloader_harness import open_harness, ready
from tests.runner.servers import serving

KEY = "Bearer sk-the-key"


async def test_a_url_that_comes_before_the_clip(tmp_path: Path, clips: MakeClip) -> None:
    """A link is sent before the clip is available (https://github.com/Vikit-ai/sdk/pull/136)."""
    statuses = [404, 404, 403, 200]

    async def answer(request: web.Request) -> web.StreamResponse:
        status = statuses.pop(0)
        return web.Response(status=status, body=clips().read_bytes() if status == 200 else b"not here")

    async with serving(answer) as server, open_harness(tmp_path, ready("kite"), wait_initial_s=0.002) as at_work:
        link = Asset(location=f"{server.base_url}/early.mp4")
        await at_work.fetch({"kite": (link,)})
        while at_work.state("kite") is JobState.RUNNING:
            await at_work.answer("kite", link)
    assert at_work.stored == ["kite"]
    assert len(at_work.asked) == 3


async def test_a_content_url_of_the_api_itself(tmp_path: Path, clips: MakeClip) -> None:
    """A link to the API's own host answers 401 without the key.

    https://github.com/vercel/ai/issues/17774, https://github.com/Agent-Field/agentfield/issues/589
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != KEY:
            return web.json_response({"error": {"message": "Unauthorized", "code": 401}}, status=401)
        return web.Response(body=clips().read_bytes(), content_type="video/mp4")

    async with (
        serving(answer) as server,
        open_harness(tmp_path, ready("kite"), base_url=server.base_url) as at_work,
    ):
        await at_work.fetch({"kite": (f"{server.base_url}/api/v1/videos/v-1/content?index=0",)})
    assert (at_work.stored, server.keys) == (["kite"], [None, KEY])


async def test_a_signed_link_that_is_refused_at_first(tmp_path: Path, clips: MakeClip) -> None:
    """A fresh CDN link answers 403 for a moment; its query reaches the server byte for byte.

    https://github.com/Comfy-Org/ComfyUI/issues/11532
    """
    query = (
        "response-content-disposition=attachment;filename=general-1.mp4&Expires=1766950232&Signature=a~b_&Key-Pair-Id=K"
    )
    tries = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal tries
        tries += 1
        if tries == 1 or not request.raw_path.endswith(query):
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        return web.Response(body=clips().read_bytes(), content_type="video/mp4")

    async with serving(answer) as server, open_harness(tmp_path, ready("kite"), wait_initial_s=0.002) as at_work:
        link = Asset(location=f"{server.base_url}/creation-01/video.mp4?{query}")
        await at_work.fetch({"kite": (link,)})
        await at_work.answer("kite", link)
    assert at_work.stored == ["kite"]


async def test_a_gateway_that_cannot_fetch_the_content(tmp_path: Path, clips: MakeClip) -> None:
    """The task is finished, and the gateway's content route answers an error object.

    https://github.com/QuantumNous/new-api/issues/2751. The clip is paid for: it stays ready.
    """
    works = False

    async def answer(request: web.Request) -> web.StreamResponse:
        if works:
            return web.Response(body=clips().read_bytes(), content_type="video/mp4")
        return web.json_response({"error": {"message": "Failed to fetch video content", "type": "server_error"}})

    content = Asset(location="/v1/videos/t-1/content", keyed=True)
    async with (
        serving(answer) as server,
        open_harness(tmp_path, ready("kite"), base_url=server.base_url, wait_initial_s=0.002) as at_work,
    ):
        await at_work.fetch({"kite": (content,)})
        while at_work.state("kite") is JobState.RUNNING:
            await at_work.answer("kite", content)
        assert at_work.state("kite") is JobState.READY
        assert "Failed to fetch video content" in at_work.notices[-1]
        works = True
        at_work.downloader.enqueue(at_work.context.job("kite"), (content,))
        await at_work.rest()
    assert at_work.stored == ["kite"]


async def test_headers_that_contradict_a_good_clip(tmp_path: Path, clips: MakeClip) -> None:
    """An octet stream in chunks with a Content-Range that is none (https://github.com/videojs/video.js/issues/5103)."""

    async def answer(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Disposition": "attachment; filename=error.html",
                "Content-Range": "0-545197474/545197475",
                "Content-Encoding": "gzip",
            }
        )
        reply.enable_chunked_encoding()
        await reply.prepare(request)
        await reply.write(clips().read_bytes())
        await reply.write_eof()
        return reply

    async with serving(answer) as server, open_harness(tmp_path, ready("kite")) as at_work:
        await at_work.fetch({"kite": (f"{server.base_url}/my-video.mp4",)})
    assert at_work.stored == ["kite"]
