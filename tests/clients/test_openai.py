"""OpenAI's own client against the emulator, unmodified but for its address and key: it judges what we say and read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from batchvid.emulator import Emulator, Settings
from tests.emulator.helpers import picture

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")
"""The client warns on every call: the vendor shuts this API down, but gateways go on speaking it."""

QUICK_MS = 10


@asynccontextmanager
async def client(**settings: Any) -> AsyncIterator[AsyncOpenAI]:
    """The client and an emulator behind it; it retries nothing, so that every answer is seen."""
    emulator = Emulator(Settings(**{"render": "shared", "api_key": "k", **settings}))
    async with emulator, client_of(emulator) as ai:
        yield ai


def client_of(emulator: Emulator, prefix: str = "/v1") -> AsyncOpenAI:
    return AsyncOpenAI(base_url=emulator.base_url + prefix, api_key="k", max_retries=0)


async def test_create_and_retrieve() -> None:
    """What `create` gives back has every field of the client's schema, typed, and `retrieve` finds it again."""
    async with client(life="polls:3") as ai:
        created = await ai.videos.create(model="sora-2", prompt="a kite", seconds="8", size="1280x720")
        assert re.fullmatch(r"video_\w+", created.id)
        assert (created.object, created.status, created.progress) == ("video", "queued", 0)
        assert (created.model, created.seconds, created.size) == ("sora-2", "8", "1280x720")
        await ai.videos.retrieve(created.id)
        running = await ai.videos.retrieve(created.id)
    assert (running.status, running.progress, running.prompt) == ("in_progress", 66, "a kite")
    assert (running.completed_at, running.expires_at, running.error) == (None, None, None)
    assert created.created_at == running.created_at > 1e9


async def test_create_and_poll() -> None:
    """`create_and_poll` ends with the finished video, and its content is an MP4."""
    async with client(life="polls:3") as ai:
        done = await ai.videos.create_and_poll(model="sora-2", prompt="a kite", poll_interval_ms=QUICK_MS)
        clip = (await ai.videos.download_content(done.id)).content
        sheet = (await ai.videos.download_content(done.id, variant="spritesheet")).content
    assert (done.status, done.progress, done.error) == ("completed", 100, None)
    assert done.completed_at is not None
    assert done.expires_at is not None
    assert done.expires_at > done.completed_at >= done.created_at
    assert (clip[4:8], sheet[:2]) == (b"ftyp", b"\xff\xd8")


async def test_the_link_of_a_gateway_does_no_harm() -> None:
    """A gateway's extra fields (`video_url`, milliseconds) are read over by the same client."""
    async with Emulator(Settings(render="shared")) as emulator, client_of(emulator, "/gateway/v1") as ai:
        done = await ai.videos.create_and_poll(
            model="sora-2", prompt="a kite", seconds="4", size="1280x720", poll_interval_ms=QUICK_MS
        )
        clip = (await ai.videos.download_content(done.id)).content
    assert (done.status, done.seconds, done.size, clip[4:8]) == ("completed", "4", "1280x720", b"ftyp")


async def test_a_reference_image() -> None:
    """The client's file part arrives as the one reference; one of another size is the vendor's own refusal."""
    async with Emulator(Settings(render="shared")) as emulator, client_of(emulator) as ai:
        fitting = ("a.png", picture(1280, 720), "image/png")
        await ai.videos.create(model="sora-2", prompt="x", size="1280x720", input_reference=fitting)
        assert [one["field"] for one in emulator.ledger()["tasks"][0]["images"]] == ["input_reference"]
        with pytest.raises(openai.BadRequestError, match="Inpaint image must match"):
            await ai.videos.create(model="sora-2", prompt="x", size="720x1280", input_reference=fitting)


async def test_remix() -> None:
    """A remix is a video of its own that names its source; of an unknown one there is none."""
    async with client() as ai:
        first = await ai.videos.create_and_poll(model="sora-2", prompt="a kite", poll_interval_ms=QUICK_MS)
        second = await ai.videos.remix(first.id, prompt="in the rain")
        assert (second.status, second.remixed_from_video_id) == ("queued", first.id)
        done = await ai.videos.poll(second.id, poll_interval_ms=QUICK_MS)
        assert (done.status, done.prompt, done.remixed_from_video_id) == ("completed", "in the rain", first.id)
        with pytest.raises(openai.BadRequestError, match="task_not_exist"):
            await ai.videos.remix("video_0", prompt="in the rain")


async def test_a_failed_video() -> None:
    """A failed task is an outcome, not an exception: the client returns it with code and message."""
    faults = ({"match": {"step": "submit"}, "do": {"outcome": "moderation"}},)
    async with client(faults=faults) as ai:
        failed = await ai.videos.create_and_poll(model="sora-2", prompt="a kite", poll_interval_ms=QUICK_MS)
        with pytest.raises(openai.BadRequestError, match="not completed yet"):
            await ai.videos.download_content(failed.id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.code == "moderation_blocked"
    assert "content policy" in failed.error.message


@pytest.mark.parametrize(
    ("action", "error", "code"),
    [
        ("rate", openai.RateLimitError, "rate_limit_exceeded"),
        ("moderation", openai.BadRequestError, "moderation_blocked"),
        ("auth", openai.AuthenticationError, ""),
        ("unavailable", openai.InternalServerError, ""),
        ("invalid", openai.BadRequestError, "InvalidParameter"),
    ],
)
async def test_refusals(action: str, error: type[openai.APIStatusError], code: str) -> None:
    """Each refusal is the client's own exception for it, with the code that it reads out of the body."""
    async with client(faults=({"match": {"step": "submit"}, "do": action},)) as ai:
        with pytest.raises(error) as caught:
            await ai.videos.create(model="sora-2", prompt="a kite")
    assert caught.value.code == code


async def test_wrong_values_and_keys() -> None:
    """A wrong key, and a value outside the vendor's list, are refused as the client expects."""
    async with client() as ai:
        with pytest.raises(openai.BadRequestError, match="Supported values are"):
            await ai.videos.create(model="sora-2", prompt="x", seconds="5")  # type: ignore[arg-type]
        with pytest.raises(openai.AuthenticationError, match="Invalid token"):
            await ai.with_options(api_key="other").videos.retrieve("video_1")


@pytest.mark.parametrize("server", ["sglang", "vllm-omni", "litellm"])
async def test_a_server_with_fields_of_its_own(server: str) -> None:
    """The client makes a clip at each server that takes forms, with the server's own knobs, and sees its failure.

    LLMGateway and OpenRouter take JSON only, which this client never sends for a video.
    """
    faults = ({"match": {"step": "submit", "prompt": "bad"}, "do": {"outcome": "fail"}},)
    emulator = Emulator(Settings(render="shared", api_key="k", life="polls:2", faults=faults))
    async with emulator, client_of(emulator, f"/{server}/v1") as ai:
        done = await ai.videos.create_and_poll(
            model="wan",
            prompt="a kite",
            poll_interval_ms=QUICK_MS,
            seconds="4",
            size="832x480",  # type: ignore[arg-type]  # any size here, not only Sora's
            input_reference=("a.png", picture(64, 48), "image/png"),
            extra_body={"seed": 7, "num_inference_steps": 30},
        )
        clip = (await ai.videos.download_content(done.id)).content
        failed = await ai.videos.create(model="wan", prompt="bad")
        if server == "vllm-omni":
            await ai.videos.retrieve(failed.id)
            with pytest.raises(openai.InternalServerError, match="CUDA out of memory"):
                await ai.videos.retrieve(failed.id)
        else:
            failed = await ai.videos.poll(failed.id, poll_interval_ms=QUICK_MS)
            assert (failed.status, failed.error is None) == ("failed", False)
        with pytest.raises(openai.APIStatusError):
            await ai.videos.download_content(failed.id)
    assert (done.status, done.seconds, done.size, clip[4:8]) == ("completed", "4", "832x480", b"ftyp")
