"""BytePlus's own Ark client against the emulator, unmodified but for its address and key: it judges what we read.

It is huge, and in the extra `sdks` for that reason.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from batchvid.emulator import Emulator, Settings

REASON = "byteplus-python-sdk-v2 is not installed: extra `sdks`"
ark = pytest.importorskip("byteplussdkarkruntime", reason=REASON)
errors = pytest.importorskip("byteplussdkarkruntime._exceptions", reason=REASON)

TEXT = {"type": "text", "text": "a kite"}
FRAME = {"type": "image_url", "image_url": {"url": "https://cdn.example/a.png"}, "role": "first_frame"}
MODEL = "dreamina-seedance-2-5-260628"


@asynccontextmanager
async def tasks(**settings: Any) -> AsyncIterator[Any]:
    """The client's calls on tasks, and an emulator behind them."""
    async with (
        Emulator(Settings(**{"render": "shared", "api_key": "k", **settings})) as emulator,
        ark.AsyncArk(base_url=f"{emulator.base_url}/ark/api/v3", api_key="k", max_retries=0) as client,
    ):
        yield client.content_generation.tasks


async def test_a_clip_from_the_order_to_the_link() -> None:
    """The client sends null for what is not given; each reply has the fields of its schema."""
    async with tasks(life="polls:3") as calls:
        made = await calls.create(model=MODEL, content=[TEXT, FRAME], resolution="480p", duration=4, watermark=False)
        seen = [await calls.get(task_id=made.id) for _ in range(3)]
    assert [task.status for task in seen] == ["queued", "running", "succeeded"]
    done = seen[2]
    assert done.content.video_url.startswith("http://127.0.0.1")
    assert (done.id, done.model, done.duration, done.resolution) == (made.id, MODEL, 4, "480p")
    assert done.usage.completion_tokens == 38_830  # of the live service, for the same order
    assert (done.error, done.generate_audio, done.service_tier, done.framespersecond) == (None, True, "default", 24)


async def test_a_failed_task_says_why() -> None:
    """Its error has a code and a message."""
    fault = {"match": {"step": "submit"}, "do": {"outcome": "moderation"}}
    async with tasks(faults=(fault,)) as calls:
        made = await calls.create(model=MODEL, content=[TEXT])
        failed = await calls.get(task_id=made.id)
    assert (failed.status, failed.error.code) == ("failed", "OutputVideoSensitiveContentDetected")
    assert "sensitive" in failed.error.message


async def test_refusals() -> None:
    """Each is the client's own exception, with Ark's code."""
    async with tasks(concurrency=1, life="polls:9") as calls:
        with pytest.raises(errors.ArkBadRequestError, match="negative_prompt"):
            await calls.create(model=MODEL, content=[TEXT], extra_body={"negative_prompt": "rain"})
        await calls.create(model=MODEL, content=[TEXT])
        with pytest.raises(errors.ArkRateLimitError) as full:
            await calls.create(model=MODEL, content=[TEXT])
        with pytest.raises(errors.ArkNotFoundError):
            await calls.get(task_id="cgt-0")
    assert full.value.code == "QuotaExceeded"


async def test_list_and_delete() -> None:
    """Flex tasks are listed only on request; a queued task is cancelled, a running one is refused."""
    async with tasks(life="polls:3") as calls:
        first = await calls.create(model="seedance-1-5-pro-251215", content=[TEXT])
        flex = await calls.create(model="seedance-1-5-pro-251215", content=[TEXT], service_tier="flex")
        listed = await calls.list(page_num=1, page_size=10)
        assert ([task.id for task in listed.items], listed.total) == ([first.id], 1)
        assert [task.id for task in (await calls.list(service_tier="flex")).items] == [flex.id]
        assert (await calls.list(task_ids=[first.id, "cgt-0"], status="running")).items == []
        await calls.delete(flex.id)
        assert (await calls.get(task_id=flex.id)).status == "cancelled"
        for _ in range(2):
            await calls.get(task_id=first.id)
        with pytest.raises(errors.ArkAPIStatusError) as running:
            await calls.delete(first.id)
    assert running.value.status_code == 409
