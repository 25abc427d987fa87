"""Google's own client against the emulator, unmodified but for its address and key: it judges what we say and read.

Its Interactions retry a POST on 408, 409, 429 and 5xx by themselves, so refusals are tried with a 400.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from google import genai
from google.genai._interactions import BadRequestError, NotFoundError
from google.genai.client import AsyncClient
from google.oauth2.credentials import Credentials

from batchvid.emulator import Emulator, Settings

MODEL = "gemini-omni-1.2-flash"
SHAPE: Any = {"type": "video", "duration": "3s", "resolution": "360p"}


@asynccontextmanager
async def client(**settings: Any) -> AsyncIterator[AsyncClient]:
    """The client and an emulator behind it."""
    async with Emulator(Settings(**{"render": "shared", "api_key": "k", **settings})) as emulator:
        options = genai.types.HttpOptions(base_url=emulator.base_url + "/gemini", retry_options=None)
        async with genai.Client(api_key="k", http_options=options).aio as google:
            yield google


async def make(google: AsyncClient, prompt: str = "a kite", **fields: Any) -> Any:
    """Create an interaction in the background and poll it to its end."""
    made: Any = await google.interactions.create(
        model=MODEL, input=prompt, background=True, store=True, response_format=SHAPE, **fields
    )
    async with asyncio.timeout(20):
        while made.status in ("queued", "in_progress"):
            made = await google.interactions.get(made.id)
    return made


async def test_a_background_interaction() -> None:
    """The client polls an interaction until its clip is there, inline; an edit of it names the first."""
    async with client(life="polls:3") as google:
        made = await make(google)
        edited = await make(google, "add snow", previous_interaction_id=made.id)
    assert (made.status, edited.status) == ("completed", "completed")
    assert made.id != edited.id
    for one in (made, edited):
        assert base64.b64decode(one.output_video.data)[4:8] == b"ftyp"
    assert made.usage.output_tokens_by_modality[0].modality == "video"


async def test_a_file_behind_the_key() -> None:
    """A synchronous interaction with delivery by URI: the file needs the key, and is the clip."""
    async with client() as google:
        made: Any = await google.interactions.create(
            model=MODEL, input="a kite", response_format={**SHAPE, "delivery": "uri"}
        )
        uri = made.output_video.uri
        async with aiohttp.ClientSession() as session, session.get(uri) as refused:
            assert refused.status == 403
        name = uri.partition("/v1beta/")[2].partition(":")[0]
        options = genai.types.HttpOptions(base_url=uri.partition("/v1beta/")[0])
        with genai.Client(api_key="k", http_options=options) as blocking:  # the other client warns about aiohttp
            state = await asyncio.to_thread(blocking.files.get, name=name)
            data = await asyncio.to_thread(blocking.files.download, file=state)
    assert state.state == genai.types.FileState.ACTIVE
    assert data[4:8] == b"ftyp"


async def test_failures() -> None:
    """A failed interaction has errors; one that a filter withheld is completed without a clip."""
    faults = (
        {"match": {"step": "submit", "prompt": "bad"}, "do": {"outcome": "fail"}},
        {"match": {"step": "submit", "prompt": "rude"}, "do": {"outcome": "moderation"}},
    )
    async with client(faults=faults) as google:
        failed, withheld = await make(google, "bad"), await make(google, "rude")
    assert (failed.status, failed.errors[0].message) == ("failed", "The video could not be generated.")
    assert (withheld.status, withheld.output_video) == ("completed", None)


async def test_a_cancellation() -> None:
    """A background interaction is cancelled, and stays so; one that has ended is not."""
    async with client(life="polls:9") as google:
        made: Any = await google.interactions.create(model=MODEL, input="a kite", background=True)
        cancelled: Any = await google.interactions.cancel(made.id)
        after: Any = await google.interactions.get(made.id)
        with pytest.raises(BadRequestError):
            await google.interactions.cancel(made.id)
    assert (made.status, cancelled.status, after.status) == ("in_progress", "cancelled", "cancelled")


async def test_refusals() -> None:
    """An unknown field of the format, an unknown model and a blocked prompt are the client's own errors."""
    faults = ({"match": {"step": "submit", "prompt": "rude"}, "do": {"moderation": True}},)
    async with client(faults=faults) as google:
        with pytest.raises(BadRequestError, match="duration"):
            await google.interactions.create(model=MODEL, input="a kite", response_format={**SHAPE, "duration": "99s"})
        with pytest.raises(NotFoundError):
            await google.interactions.get("v1_none")
        with pytest.raises(BadRequestError, match="blocked"):
            await google.interactions.create(model=MODEL, input="rude", background=True)


@asynccontextmanager
async def vertex(**settings: Any) -> AsyncIterator[AsyncClient]:
    """The client of Vertex AI, with a token instead of a service account, and an emulator behind it."""
    async with Emulator(Settings(**{"render": "shared", "api_key": "k", **settings})) as emulator:
        options = genai.types.HttpOptions(base_url=emulator.base_url + "/vertex", api_version="v1")
        token = Credentials(token="k")  # type: ignore[no-untyped-call]
        with genai.Client(
            vertexai=True, project="p", location="global", credentials=token, http_options=options
        ) as blocking:
            yield blocking  # type: ignore[misc]


async def test_veo_on_vertex() -> None:
    """The client starts an operation, polls it by POST, and decodes the clip; it reports a failure and a filter."""
    faults = (
        {"match": {"step": "submit", "prompt": "bad"}, "do": {"outcome": "fail"}},
        {"match": {"step": "submit", "prompt": "rude"}, "do": {"outcome": "moderation"}},
    )
    config = genai.types.GenerateVideosConfig(duration_seconds=4, aspect_ratio="16:9", generate_audio=True, seed=7)

    def make(client: Any, prompt: str) -> Any:
        source = genai.types.GenerateVideosSource(prompt=prompt)
        made = client.models.generate_videos(model="veo-3.1-generate-001", source=source, config=config)
        for _ in range(9):
            if made.done:
                break
            made = client.operations.get(made)
        return made

    async with vertex(faults=faults, life="polls:3") as client:
        done, failed, withheld = [await asyncio.to_thread(make, client, words) for words in ("a kite", "bad", "rude")]
    assert done.response.generated_videos[0].video.video_bytes[4:8] == b"ftyp"
    assert failed.error["code"] == 13
    assert (withheld.error, withheld.response.rai_media_filtered_count) == (None, 1)
