"""Runway's own client against the emulator, unmodified but for its address and key: it judges what we say and read.

Its `wait_for_task_output` sleeps about six seconds before every look, which is not ours to change: the tests that call
it let all their tasks run at the same time, and end them at the first look.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import runwayml
from runwayml import AsyncRunwayML, TaskFailedError

from batchvid.emulator import Emulator, Settings
from tests.emulator.helpers import picture

IMAGE = "https://cdn.example/a.png"


@asynccontextmanager
async def client(**settings: Any) -> AsyncIterator[AsyncRunwayML]:
    """The client and an emulator behind it; tasks are seen at once, as by the vendor itself."""
    emulator = Emulator(Settings(**{"render": "shared", "api_key": "k", "runway_hidden_polls": 0, **settings}))
    async with emulator:
        address = emulator.base_url + "/runwayml"
        async with AsyncRunwayML(base_url=address, api_key="k", max_retries=0) as runway:
            yield runway


async def test_wait_for_task_output() -> None:
    """The client waits for a success and returns its links; a failure, and moderation, are its TaskFailedError."""
    faults = (
        {"match": {"step": "submit", "prompt": "bad"}, "do": {"outcome": "fail"}},
        {"match": {"step": "submit", "prompt": "rude"}, "do": {"outcome": "moderation"}},
    )
    async with client(faults=faults) as runway:

        async def make(prompt: str) -> Any:
            task = await runway.image_to_video.create(
                model="gen4_turbo", prompt_image=IMAGE, prompt_text=prompt, ratio="1280:720", duration=5
            )
            assert task.estimated_cost.credits == 25  # type: ignore[attr-defined]
            try:
                return await task.wait_for_task_output(timeout=30)
            except TaskFailedError as exc:
                return exc

        async def write(prompt: str) -> Any:
            task = await runway.text_to_video.create(model="gen4.5", prompt_text=prompt, ratio="1280:720", duration=5)
            assert task.estimated_cost.credits == 60  # type: ignore[attr-defined]
            try:
                return await task.wait_for_task_output(timeout=30)
            except TaskFailedError as exc:
                return exc

        done, failed, moderated, written, unwritten = await asyncio.gather(
            make("a kite"), make("bad"), make("rude"), write("a kite of text"), write("bad")
        )
        async with aiohttp.ClientSession() as session, session.get(done.output[0]) as response:
            assert (response.status, (await response.read())[4:8]) == (200, b"ftyp")
    assert (done.status, done.cost.credits) == ("SUCCEEDED", 25)
    assert (written.status, written.cost.credits, len(written.output)) == ("SUCCEEDED", 60, 1)
    assert isinstance(unwritten, TaskFailedError)
    assert unwritten.task_details.failure_code == "INTERNAL.BAD_OUTPUT.CODE01"  # type: ignore[union-attr]
    assert isinstance(failed, TaskFailedError)
    assert isinstance(moderated, TaskFailedError)
    one, two = failed.task_details, moderated.task_details
    assert one.status == two.status == "FAILED"
    assert (one.failure_code, one.cost.credits) == ("INTERNAL.BAD_OUTPUT.CODE01", 0)
    assert (two.failure_code, two.cost.credits) == ("SAFETY.INPUT.TEXT", 25)


async def test_every_poll() -> None:
    """Every status on the way is one of the client's typed union, with the fields that its schema requires."""
    async with client(life="polls:3", concurrency=1) as runway:
        first, second = [
            await runway.image_to_video.create(model="gen4_turbo", prompt_image=IMAGE, ratio="1280:720")
            for _ in range(2)
        ]
        waiting = await runway.tasks.retrieve(second.id)
        looks = [await runway.tasks.retrieve(first.id) for _ in range(3)]
    assert waiting.status == "THROTTLED"
    assert [look.status for look in looks] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert [look.estimated_cost.credits for look in (waiting, *looks[:2])] == [25, 25, 25]  # type: ignore[union-attr]
    assert looks[1].progress == pytest.approx(0.66)  # type: ignore[union-attr]
    assert {look.created_at.tzname() for look in looks} == {"UTC"}


async def test_images() -> None:
    """A data URI and a pair of frames arrive; a link without TLS is refused with the vendor's issues."""
    uri = "data:image/png;base64," + base64.b64encode(picture()).decode()
    async with client() as runway:
        pair = [{"uri": uri, "position": "first"}, {"uri": uri, "position": "last"}]
        for image in (uri, pair):
            await runway.image_to_video.create(model="gen3a_turbo", prompt_image=image, ratio="1280:720")  # type: ignore[call-overload]
        with pytest.raises(runwayml.BadRequestError) as caught:
            await runway.image_to_video.create(
                model="gen4_turbo", prompt_image="http://a.example/a.png", ratio="1280:720"
            )
    assert caught.value.body["issues"][0]["message"] == "Only HTTPS URLs are allowed."  # type: ignore[index]


async def test_video_to_video() -> None:
    """An edit by each name of the source field; a field of the other is refused, as Runway does it."""
    source = "https://cdn.example/a.mp4"
    async with client() as runway:
        edit = await runway.video_to_video.create(model="aleph2", video_uri=source, prompt_text="in winter")
        guided = await runway.video_to_video.create(model="seedance2", prompt_video=source, duration=5)
        assert len({edit.id, guided.id}) == 2
        with pytest.raises(runwayml.BadRequestError) as caught:
            await runway.video_to_video.create(model="aleph2", video_uri=source, extra_body={"audio": True})
    assert caught.value.body["issues"][0]["code"] == "unrecognized_keys"  # type: ignore[index]


@pytest.mark.parametrize(
    ("action", "error"),
    [
        ("rate", runwayml.RateLimitError),
        ("auth", runwayml.AuthenticationError),
        ("unavailable", runwayml.InternalServerError),
        ("balance", runwayml.BadRequestError),
    ],
)
async def test_refusals(action: str, error: type[runwayml.APIStatusError]) -> None:
    """Each refusal is the client's own exception for it."""
    async with client(faults=({"match": {"step": "submit"}, "do": action},)) as runway:
        with pytest.raises(error):
            await runway.image_to_video.create(model="gen4_turbo", prompt_image=IMAGE, ratio="1280:720")


async def test_unknown_tasks() -> None:
    """A task that does not exist is the client's 404 when the emulator says it as the vendor does."""
    async with client(runway_hidden_as="http_404") as runway:
        with pytest.raises(runwayml.NotFoundError):
            await runway.tasks.retrieve("00000000-0000-0000-0000-000000000000")
