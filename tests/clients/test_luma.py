"""Luma's own client against the emulator, unmodified but for its address and key: it judges what we say and read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import lumaai
import pytest
from lumaai import AsyncLumaAI
from lumaai.types import Generation

from batchvid.emulator import Emulator, Settings


@asynccontextmanager
async def client(**settings: Any) -> AsyncIterator[AsyncLumaAI]:
    """The client and an emulator behind it."""
    emulator = Emulator(Settings(**{"render": "shared", "api_key": "k", **settings}))
    async with emulator, AsyncLumaAI(base_url=emulator.base_url + "/luma", auth_token="k", max_retries=0) as luma:
        yield luma


async def make(luma: AsyncLumaAI, prompt: str = "a paper kite", **fields: Any) -> Generation:
    """Create a generation and poll it to its end."""
    made = await luma.generations.create(model="ray-2", prompt=prompt, duration="5s", resolution="540p", **fields)
    async with asyncio.timeout(20):
        while made.state in ("queued", "dreaming"):
            made = await luma.generations.get(made.id or "")
    return made


async def test_a_generation_and_its_extension() -> None:
    """The client waits for a clip, extends it, and finds both in the list; the link needs no key."""
    async with client(life="polls:3", balance_usd=12.5) as luma:
        made = await make(luma)
        longer = await make(luma, "the kite lands", keyframes={"frame0": {"type": "generation", "id": made.id or ""}})
        listed = await luma.generations.list(limit=10, offset=0)
        credit = await luma.credits.get()
        assert made.assets is not None
        async with aiohttp.ClientSession() as session, session.get(made.assets.video or "") as response:
            assert (response.status, (await response.read())[4:8]) == (200, b"ftyp")
    assert (made.state, longer.state, made.model) == ("completed", "completed", "ray-2")
    assert [one.id for one in listed.generations] == [longer.id, made.id]
    assert credit.credit_balance == 1250


async def test_failures_and_refusals() -> None:
    """A failed generation says why; a picture that is no link, and a wrong key, are the client's own errors."""
    faults = ({"match": {"step": "submit", "prompt": "bad"}, "do": {"outcome": "fail"}},)
    async with client(faults=faults) as luma:
        failed = await make(luma, "a bad kite")
        with pytest.raises(lumaai.BadRequestError, match="must be URLs"):
            await make(luma, keyframes={"frame0": {"type": "image", "url": "data:image/png;base64,AAAA"}})
        with pytest.raises(lumaai.AuthenticationError):
            await luma.with_options(auth_token="other").generations.list()
    assert (failed.state, failed.failure_reason) == ("failed", "The job could not be processed")
